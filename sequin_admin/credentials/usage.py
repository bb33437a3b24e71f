"""Refuse to delete a row that other rows depend on."""

from django.db import models

from sequin_admin.core.concrete import noun

# How many dependent rows the message names, and how many `InUse.users` lists.
NAMED, LISTED = 5, 100


class InUse(Exception):
    """Other rows depend on this one. `str()` names some and says what to do.

    `users` are the first dependent rows, `count` is the number of all.
    """

    def __init__(self, row: models.Model, users: list[models.Model], count: int) -> None:
        super().__init__(sentence(row, users[:NAMED], count))
        self.users, self.count = users, count


def refuse_if_used(row: models.Model, *more: models.QuerySet[models.Model]) -> None:
    """Raise `InUse` while rows with a protecting foreign key to `row`, or any of `more`, exist."""
    users: list[models.Model] = []
    count = 0
    for needing in dependants(row, *more):
        count += needing.count()
        users += list(needing.order_by("name")[: LISTED - len(users)])
    if count:
        raise InUse(row, users, count)


def dependants(
    row: models.Model, *more: models.QuerySet[models.Model]
) -> list[models.QuerySet[models.Model]]:
    """The rows of each table whose foreign key forbids to delete `row`, and `more`."""
    protecting = [
        relation.related_model._default_manager.filter(**{relation.field.name: row})
        for relation in row._meta.related_objects
        if getattr(relation, "on_delete", None) is models.PROTECT
    ]
    return [*protecting, *more]


def remedy_of(row: models.Model) -> str:
    """What to do first so that the row can be deleted: its model's `when_used`."""
    return str(getattr(row, "when_used", "First delete what needs it."))


def sentence(row: models.Model, users: list[models.Model], count: int) -> str:
    nouns = {noun(user, count) for user in users}
    names = ", ".join(str(user) for user in users)
    more = f" and {count - len(users):,} more" if count > len(users) else ""
    return (
        f"{row} is used by {count:,} {' and '.join(sorted(nouns))}: {names}{more}. "
        f"Nothing was changed. {remedy_of(row)}"
    )
