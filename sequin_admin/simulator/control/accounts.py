"""Many accounts after one, and what became of an account's grants and tokens."""

from typing import Any

from django.db import transaction
from django.db.models import F

from sequin_admin.simulator.control import ControlError
from sequin_admin.simulator.models import SimulatedAccount, SimulatedGrant, SimulatedToken


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
