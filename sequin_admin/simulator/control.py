"""Actions of the control page and the control API on an account or a provider."""

import math
import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from sequin_admin.simulator import faults, framework, seed
from sequin_admin.simulator.framework import ProviderSimulator
from sequin_admin.simulator.models import (
    Fault,
    Hit,
    SimulatedAccount,
    SimulatedClient,
    SimulatedGrant,
    SimulatedToken,
    World,
    now,
)

ACTIONS = {
    "revoke": "Revoke our access",
    "expire": "Expire access tokens now",
    "spend_refresh": "Use our refresh token elsewhere",
    "uninstall": "Uninstall the app",
    "suspend": "Suspend the installation",
    "drop_scope": "Take permissions away",
    "needs_approval": "Let an owner approve installations first",
    "disable_user": "Disable the user",
    "change_password": "Change the password",
    "restrict_address": "Allow no call from our address",
    "expire_key": "Expire the API keys",
    "roll_key": "Roll the API keys",
    "rotate_secret": "Rotate the client secret",
    "unauthorize": "Take the client's authorization away",
    "outage": "Answer 503",
    "html": "Answer with an HTML page",
    "proxy": "Let a proxy answer 401 with its login page",
    "timeout": "Don't answer",
    "slow": "Answer slowly",
    "crawl": "Answer after 12 seconds",
    "throttle": "Throttle",
    "lost_response": "Lose the next token answer",
    "clear": "Back to normal",
}
# Actions without duration; every other action stays on until it is switched off.
ONE_TIME_ACTIONS = (
    "revoke",
    "expire",
    "spend_refresh",
    "change_password",
    "roll_key",
    "rotate_secret",
    "clear",
)
CENTURY_S = 100 * 365 * 86_400


class ControlError(Exception):
    """The requested action is not possible; the message is shown to the user."""


def actions_of(provider: ProviderSimulator) -> dict[str, str]:
    """The actions that the provider supports, with their labels."""
    names = ["revoke", "expire", *provider.switches, *faults.COMMON_FAULTS, "clear"]
    if not SimulatedClient.objects.filter(provider=provider.slug).exists():
        names = [name for name in names if name not in {"revoke", "expire", "lost_response"}]
    names = [name for name in names if name not in provider.unsupported_actions]
    return {name: ACTIONS.get(name, name.replace("_", " ").capitalize()) for name in names}


@transaction.atomic
def perform_action(
    provider: ProviderSimulator, account: SimulatedAccount, action: str, **data: Any
) -> None:
    """Perform one action, or (`on=False`) switch it off. Raises `ControlError` if unknown."""
    if action not in actions_of(provider):
        raise ControlError(
            f"{provider.title} has no action {action!r}: {', '.join(actions_of(provider))}"
        )
    account.refresh_from_db()
    if not data.get("on", True):
        end_action(account, action)
    elif action in faults.COMMON_FAULTS:
        times = 1 if action == "lost_response" else parse_times(data)
        faults.set_fault(provider.slug, account, action, times)
    elif action == "clear":
        faults.clear_faults(provider.slug, account)
        account.state = []
        account.save(update_fields=["state"])
    elif action in {"revoke", "uninstall"}:
        SimulatedGrant.objects.filter(account=account).update(revoked=True)
        account.set_flag(action, on=action == "uninstall")
    elif action == "expire":
        living = SimulatedToken.objects.filter(grant__account=account, use=SimulatedToken.ACCESS)
        living.update(expires_at=now() - timedelta(seconds=1))
    elif action == "spend_refresh":
        unused = SimulatedToken.objects.filter(
            grant__account=account, use=SimulatedToken.REFRESH, spent_at=None
        )
        unused.update(spent_at=now())
    elif action == "change_password":
        account.data["password"] = data.get("password", "changed")
        account.save(update_fields=["data"])
    elif action == "roll_key":
        keys = {n: f"{v}rolled" for n, v in account.data.items() if n.endswith("_key")}
        account.data.update(keys)
        account.save(update_fields=["data"])
    elif action == "rotate_secret":
        rotate_secret(provider, account.external_id, data.get("client_secret", ""))
    else:
        account.set_flag(action)


def end_action(account: SimulatedAccount, action: str) -> None:
    account.faults.filter(name=action).delete()
    account.set_flag(action, on=False)


def rotate_secret(provider: ProviderSimulator, owner: str = "", secret: str = "") -> None:
    """Replace the client secret of our app, or of the customer's app (`owner`), at once."""
    secret = secret or f"{provider.secret_prefix}{secrets.token_hex(12)}"
    SimulatedClient.objects.filter(provider=provider.slug, owner=owner).update(client_secret=secret)


def set_fault(provider: str, name: str, **data: Any) -> None:
    """Switch on a fault for the whole provider, or (`clear`) switch all of them off."""
    if name == "clear":
        faults.clear_faults(provider, None)
    elif name in faults.COMMON_FAULTS:
        faults.set_fault(provider, None, name, parse_times(data))
    else:
        raise ControlError(
            f"There is no fault {name!r}: {', '.join([*faults.COMMON_FAULTS, 'clear'])}"
        )


def start_chaos(
    provider: str, rates: dict[str, float], late_s: float = 0, access_life_s: int | None = None
) -> None:
    """Make calls of the token endpoint fail at random.

    `rates` maps faults to probabilities, such as `{"lost": 0.1}`; a `late` response is delayed by
    up to `late_s` seconds. Raises `ControlError` for an unknown fault or probability.
    """
    unknown = set(rates) - set(faults.CHAOS_FAULTS)
    if unknown or not all(isinstance(r, int | float) and 0 <= r <= 1 for r in rates.values()):
        raise ControlError(f"rates are chances from 0 to 1 of {', '.join(faults.CHAOS_FAULTS)}.")
    lives = {} if access_life_s is None else {"access_life_s": access_life_s}
    faults.set_fault(provider, None, faults.CHAOS, rates=rates, late_s=late_s, **lives)


@transaction.atomic
def clone_account(provider: str, like: str, ids: list[str]) -> None:
    """Create accounts with these ids and the data of account `like`."""
    model = SimulatedAccount.objects.filter(provider=provider, external_id=like).first()
    if model is None:
        raise ControlError(f"{provider} has no account {like!r}.")
    known = {"provider": provider, "data": model.data}
    rows = [SimulatedAccount(external_id=i, name=f"{model.name} {i}", **known) for i in ids]
    SimulatedAccount.objects.bulk_create(rows, ignore_conflicts=True)


def grants_of(provider: str) -> list[dict[str, Any]]:
    """Each grant: its account, whether it is revoked, how often its refresh tokens were reused."""
    rows = SimulatedGrant.objects.filter(client__provider=provider).order_by("pk")
    seen = rows.values("revoked", "replays", "reuses", external_id=F("account__external_id"))
    return [dict(row) for row in seen]


def journal_of(account: SimulatedAccount) -> list[dict[str, Any]]:
    """The account's grants, each with its refresh tokens, in the order in which they were made."""
    return [
        {
            "revoked": grant.revoked,
            "replays": grant.replays,
            "reuses": grant.reuses,
            "refresh_tokens": [
                {
                    "value": token.value,
                    "spent_at": token.spent_at and token.spent_at.isoformat(),
                    "destroyed": token.destroyed,
                    "abandoned": token.abandoned,
                }
                for token in grant.tokens.filter(use=SimulatedToken.REFRESH).order_by("pk")
            ],
        }
        for grant in account.grants.order_by("pk")
    ]


def is_alive(provider: str, access: str) -> bool:
    """Whether an access token is valid now."""
    token = SimulatedToken.objects.filter(
        use=SimulatedToken.ACCESS, value=access, grant__client__provider=provider
    ).first()
    return token is not None and token.is_valid()


def parse_times(data: dict[str, Any]) -> int | None:
    """Number of calls a fault lasts; None: until cleared. Raises `ControlError`."""
    times = data.get("times")
    if times is not None and (not isinstance(times, int) or times < 1):
        raise ControlError("times must be a whole number above 0, or left out for: until cleared.")
    return times


def change_app(provider: str, owner: str = "", **fields: Any) -> SimulatedClient:
    """Set the `client_secret`, `redirect_uris` or `app_url` of our app, or of the customer's."""
    client = SimulatedClient.objects.filter(provider=provider, owner=owner).first()
    if client is None:
        raise ControlError(f"{provider} has no app of {owner or 'ours'}.")
    for name in {"client_secret", "redirect_uris"} & fields.keys():
        setattr(client, name, fields[name])
    if "app_url" in client.extra and "app_url" in fields:
        client.extra["app_url"] = fields["app_url"]
    client.save()
    return client


@transaction.atomic
def move_clock(advance_s: float | None) -> None:
    """Advance the simulated clock, or set it back to real time."""
    world, _ = World.objects.get_or_create(pk=1)
    offset_s = 0 if advance_s is None else world.offset_s + advance_s
    if not math.isfinite(offset_s) or abs(offset_s) > CENTURY_S:
        raise ControlError("The clock moves by at most 100 years. Give a smaller number.")
    world.offset_s = offset_s
    world.stopped_at = None if advance_s is None else world.stopped_at
    world.save()
    # A hit in what is now the future would count until that time is reached again.
    Hit.objects.filter(at__gt=now()).delete()


def stop_clock() -> None:
    """Stop the simulated clock, so that a test of a limit does not depend on its own speed."""
    World.objects.update_or_create(pk=1, defaults={"stopped_at": timezone.now()})


def get_state() -> dict[str, Any]:
    """The clock, and each provider's accounts and active faults, without secrets."""
    providers = {
        slug: {"accounts": accounts_of(slug), "faults": faults_of(slug, None)}
        for slug in framework.all_providers()
    }
    return {"now": now().isoformat(), "providers": providers}


def accounts_of(slug: str) -> dict[str, Any]:
    return {
        account.external_id: {
            "name": account.name,
            "state": account.state,
            "grants": account.grants.filter(revoked=False).count(),
            "faults": faults_of(slug, account),
        }
        for account in SimulatedAccount.objects.filter(provider=slug).order_by("pk")
    }


def faults_of(slug: str, account: SimulatedAccount | None) -> dict[str, int | None]:
    rows = Fault.objects.filter(provider=slug, account=account)
    return dict(rows.values_list("name", "times"))


reset = seed.reset
