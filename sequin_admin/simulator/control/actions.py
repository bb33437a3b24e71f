"""Actions on an account, such as revoking our access."""

from datetime import timedelta
from typing import Any

from django.db import transaction

from sequin_admin.simulator import faults
from sequin_admin.simulator.control import ControlError
from sequin_admin.simulator.control.apps import rotate_secret
from sequin_admin.simulator.control.fault_switches import parse_times
from sequin_admin.simulator.framework import ProviderSimulator
from sequin_admin.simulator.models import (
    SimulatedAccount,
    SimulatedClient,
    SimulatedGrant,
    SimulatedToken,
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
    "refuse_legacy": "Refuse what is no longer taken: integrations by tokens (TBA)",
    "require_pkce": "Require PKCE",
    "legacy_app": "Issue tokens as to old apps: for ten years, without a refresh token",
    "hide_domain": "Leave the domain out of what is told of a token",
    "enterprise": "Let the app be installed on an enterprise",
    "tell_ends": "Tell when a refresh token, and all access, ends (IETF draft)",
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
