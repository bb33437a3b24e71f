"""Refuse to delete a row that other rows depend on."""

from django.db import models

# How many dependent rows the message names, and how many `InUse.users` lists.
NAMED, LISTED = 5, 100


class InUse(Exception):
    """Other rows depend on this one. `str()` names some and says what to do.

    `users` are the first dependent rows, `count` is the number of all.
    """

    def __init__(
        self, row: models.Model, users: list[models.Model], count: int, remedy: str = ""
    ) -> None:
        super().__init__(sentence(row, users[:NAMED], count, remedy))
        self.users, self.count = users, count


def refuse_if_used(
    row: models.Model, *more: models.QuerySet[models.Model], remedy: str = ""
) -> None:
    """Raise `InUse` while rows with a protecting foreign key to `row`, or any of `more`, exist.

    `remedy` replaces the advice to delete them first.
    """
    users: list[models.Model] = []
    count = 0
    for needing in dependants(row, *more):
        count += needing.count()
        users += list(needing.order_by("name")[: LISTED - len(users)])
    if count:
        raise InUse(row, users, count, remedy)


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


def sentence(row: models.Model, users: list[models.Model], count: int, remedy: str = "") -> str:
    # The concrete model's name: a Stripe key is a credential.
    tables = [(user._meta.concrete_model or type(user))._meta for user in users]
    nouns = {str(t.verbose_name if count == 1 else t.verbose_name_plural) for t in tables}
    names = ", ".join(str(user) for user in users)
    more = f" and {count - len(users):,} more" if count > len(users) else ""
    remedy = remedy or f"Delete {'it' if count == 1 else 'them'} first."
    return (
        f"{row} is used by {count:,} {' and '.join(sorted(nouns))}: {names}{more}. "
        f"Nothing was changed. {remedy}"
    )
