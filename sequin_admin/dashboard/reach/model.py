"""What a dangerous action reaches: what it stops and what it leaves, shown before it is done."""

from dataclasses import dataclass, replace

from django.db import models
from django.urls import reverse

from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.core.concrete import noun
from sequin_admin.credentials.usage import dependants, remedy_of

NAMED = 5
IN_AUDIT_LOG = "What happened to it until now, in the audit log."


@dataclass(frozen=True)
class Affected:
    """Rows that an action affects in the same way: how many, and the first of them.

    `what` says how, after the number and the noun: "2 syncs stop reading".
    """

    count: int
    noun: str
    what: str
    named: list[tuple[str, str]]

    @property
    def more(self) -> int:
        return self.count - len(self.named)


@dataclass(frozen=True)
class Reach:
    """What stops, what stays, and for what reasons the action is refused now."""

    stops: tuple[str | Affected | None, ...]
    stays: tuple[str | Affected | None, ...] = ()
    refused: tuple[Affected | None, ...] = ()
    remedy: str = ""
    title: str = "What stops"

    def refused_while_used(
        self, row: models.Model, *more: models.QuerySet[models.Model]
    ) -> "Reach":
        """Refused while rows need `row`: those that `refuse_if_used()` names, with its advice."""
        users = (affected(rows, "needs it", "need it") for rows in dependants(row, *more))
        return replace(self, refused=tuple(users), remedy=remedy_of(row))

    @property
    def is_refused(self) -> bool:
        return any(self.refused)


def affected(rows: models.QuerySet[models.Model], one: str, many: str = "") -> Affected | None:
    """None when there are no rows. `one` and `many` say what happens to one and to several."""
    count = rows.count()
    if not count:
        return None
    page = f"dashboard:{noun(rows.model).lower().replace(' ', '_')}"
    found = rows.order_by("name" if has_name(rows.model) else "pk")[:NAMED]
    named = [(str(row), reverse(page, args=[row.pk])) for row in found]
    return Affected(count, noun(rows.model, count), one if count == 1 else many or one, named)


def has_name(model: type[models.Model]) -> bool:
    return any(field.name == "name" for field in model._meta.fields)


def links_of(**columns: models.Model) -> Affected | None:
    """The open connect links with these columns."""
    open_now = (
        ConnectLink.objects.filter(**columns)
        .open(clock.now())
        .defer("secrets")
        .select_related("reconnects")
    )
    return affected(open_now, "leads nowhere any more", "lead nowhere any more")
