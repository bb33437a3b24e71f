"""How many rows of a kind an organization may have. What is there already stays and is readable."""

from django.conf import settings
from django.db import models, transaction

from sequin_admin.access.models import Organization

# By setting: what is counted, and how one goes away.
WORDS = {
    "MAX_API_KEYS": ("API keys that are not revoked", "Revoke"),
    "MAX_CHANNELS": ("channels", "Delete"),
    "MAX_CONNECT_LINKS": ("open connect links", "Withdraw"),
    "MAX_SYNCS": ("syncs", "Delete"),
    "MAX_TARGETS": ("targets", "Delete"),
}


class CeilingReached(Exception):
    """The organization has as many as it may. `str()` says how many, and what to do."""


@transaction.atomic
def ceiling_message(
    organization: Organization, rows: models.QuerySet[models.Model], ceiling: str
) -> str:
    """Why no row may be added to `rows`, the organization's; empty while one may.

    `ceiling` is the setting's name. Call it in the transaction that adds the row: the lock makes
    concurrent ones wait.
    """
    return "" if find_room(organization, rows, ceiling) else full_message(organization, ceiling)


def find_room(organization: Organization, rows: models.QuerySet[models.Model], ceiling: str) -> int:
    """How many rows may be added. Call it in the transaction that adds them."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    return max(0, int(getattr(settings, ceiling)) - rows.count())


def full_message(
    organization: Organization,
    ceiling: str,
) -> str:
    most, (noun, remedy) = int(getattr(settings, ceiling)), WORDS[ceiling]
    return (
        f"{organization} may have {most:,} {noun} and has them, so nothing was added. {remedy} "
        f"some that are not needed, or ask who runs this installation to raise {ceiling}."
    )


def refuse_above(
    organization: Organization, rows: models.QuerySet[models.Model], ceiling: str
) -> None:
    """Raise `CeilingReached` when no row may be added to `rows`."""
    if message := ceiling_message(organization, rows, ceiling):
        raise CeilingReached(message)
