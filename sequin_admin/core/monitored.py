"""What the models with a health status share."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.db import models

from sequin_admin.core import clock


class WorstFirst(models.Func):
    """Where a row of this `disabled_at` and `health_status` comes in an order by severity: disabled
    ones last. It has no parameters, as SQLite finds an index by its very words only."""

    template = (
        "CASE WHEN %(expressions)s WHEN 'sequin_intervention' THEN 0 "
        "WHEN 'customer_intervention' THEN 1 ELSE 2 END ELSE 3 END"
    )
    arg_joiner = " IS NULL THEN CASE "
    arity = 2
    output_field = models.SmallIntegerField()


class TimeOrNever(models.Func):
    """The time, or one before all others: so both databases have an index of the order in which
    those without one come last."""

    template = "COALESCE(%(expressions)s, '-infinity')"
    arity = 1
    output_field = models.DateTimeField()


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


def latest_index(column: str, *, name: str) -> models.Index:
    """Of the order of a time, the latest first and those without one last."""
    time = TimeOrNever(models.F(column)).desc()
    return models.Index(models.F("organization"), time, models.F("id").desc(), name=name)


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
