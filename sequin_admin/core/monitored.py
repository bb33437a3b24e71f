"""What the models with a health status share."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.db import models

from sequin_admin.core import clock


def list_indexes(table: str, called: str = "name") -> tuple[models.Index, ...]:
    """One index per sort order of a list, so that a page costs the same in a table of any size."""
    orders = {
        "newest": ("-created_at", "-id"),
        "changed": ("-updated_at", "-id"),
        called: (called, "id"),
    }
    return tuple(
        models.Index(fields=("organization", *columns), name=f"{table}_{order}")
        for order, columns in orders.items()
    )


class Monitored(models.Model):
    """Health status columns on the row itself, so that lists filter and sort without a join.

    `health_status` is empty until the first check; `health_note` is one sentence for people. Every
    monitored model has an `organization`, a `provider` ("" where there is none) and a UUID.
    """

    # The entity type as `health` stores it, and as people read it.
    entity: ClassVar[str] = ""
    entity_title: ClassVar[str] = ""
    organization_id: UUID

    health_status = models.CharField(max_length=24, blank=True, default="", editable=False)
    health_note = models.CharField(max_length=500, blank=True, default="", editable=False)
    health_since = models.DateTimeField(null=True, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    check_due_at = models.DateTimeField(null=True, default=clock.now, editable=False)

    class Meta:
        abstract = True

    def depends_on(self) -> Iterable["Monitored"]:
        """The rows that this one needs; their unhealthy status propagates to it."""
        return ()

    def last_fixed_at(self) -> datetime | None:
        """When a possible cause of failure, such as the secrets, was last replaced."""
        return None

    def is_disabled(self) -> bool:
        """Whether it was disabled by a person, so that it has no incidents."""
        return False

    def has_run(self) -> bool:
        """Whether it ever did its work: before that, `healthy` means that nothing hinders it."""
        return True

    def known_since(self) -> datetime | None:
        """When its work was first seen; None where its history begins with its first status."""
        return None
