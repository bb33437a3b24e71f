"""Many accounts after one, and what became of an account's grants and tokens."""

import secrets
from typing import Any

from django.db import transaction
from django.db.models import F

from sequin_admin.simulator.control import ControlError
from sequin_admin.simulator.models import (
    SimulatedAccount,
    SimulatedClient,
    SimulatedGrant,
    SimulatedToken,
)
from sequin_admin.simulator.seed import redirect_uris


@transaction.atomic
def clone_account(provider: str, like: str, ids: list[str]) -> None:
    """Create accounts with these ids and the data of account `like`."""
    model = SimulatedAccount.objects.filter(provider=provider, external_id=like).first()
    if model is None:
        raise ControlError(f"{provider} has no account {like!r}.")
    known = {"provider": provider, "data": model.data}
    rows = [SimulatedAccount(external_id=i, name=f"{model.name} {i}", **known) for i in ids]
    SimulatedAccount.objects.bulk_create(rows, ignore_conflicts=True)


@transaction.atomic
def add_account(
    provider: str, like: str, id: str, name: str, data: dict[str, Any], app: dict[str, Any]
) -> None:
    """Create an account, once, from the data of account `like`; `data` has what differs.

    Where the customer has an app of its own, the account gets one too: that of account `like` with
    new secrets and the values in `app`.
    """
    model = SimulatedAccount.objects.filter(provider=provider, external_id=like).first()
    if model is None:
        raise ControlError(f"{provider} has no account {like!r}.")
    account, _ = SimulatedAccount.objects.get_or_create(
        provider=provider, external_id=id, defaults={"name": name, "data": {**model.data, **data}}
    )
    copied = SimulatedClient.objects.filter(provider=provider, owner=like).first()
    if copied:
        add_client(copied, account, app)


def add_app(provider: str, owner: str, client_id: str, client_secret: str = "") -> None:
    """Create a second developer app of ours, once."""
    SimulatedClient.objects.get_or_create(
        provider=provider,
        owner=owner,
        defaults={
            "client_id": client_id,
            "client_secret": client_secret or new_secret(),
            "redirect_uris": redirect_uris(provider),
        },
    )


def add_client(copied: SimulatedClient, account: SimulatedAccount, app: dict[str, Any]) -> None:
    """The customer's own app, and the grants that such an app begins with."""
    provider, owner = account.provider, account.external_id
    extra = {n: v if n in SHARED else renewed(v) for n, v in copied.extra.items()}
    client, created = SimulatedClient.objects.get_or_create(
        provider=provider,
        owner=owner,
        defaults={
            "client_id": app.pop("client_id", "") or secrets.token_hex(16),
            "client_secret": new_secret(),
            "redirect_uris": copied.redirect_uris,
            "extra": {**extra, **app},
        },
    )
    if created and "refresh_token" in client.extra:
        grant = SimulatedGrant.objects.create(client=client, account=account)
        SimulatedToken.issue(
            grant, SimulatedToken.REFRESH, "", None, value=client.extra["refresh_token"]
        )


# Values of an app that a copy of it has too: a key takes a second to make.
SHARED = ("private_key", "host", "tenant", "authorization_endpoint")


def renewed(value: object) -> object:
    return secrets.token_hex(len(value) // 2) if isinstance(value, str) else value


def new_secret() -> str:
    return f"simulated-{secrets.token_urlsafe(16)}"


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
