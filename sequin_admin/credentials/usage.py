"""What can't be deleted, because something else would not work without it."""

from django.db import models

NAMED = 5


class InUse(Exception):
    """`str()` names who needs it and what to do; `users` are the first of them."""

    def __init__(self, row: models.Model, users: list[models.Model], count: int) -> None:
        super().__init__(sentence(row, users, count))
        self.users = users


def refuse_if_used(row: models.Model, *more: models.QuerySet[models.Model]) -> None:
    """Raises `InUse` while rows that `row` is protected by, or any of `more`, need it."""
    users: list[models.Model] = []
    count = 0
    for needing in [*protecting(row), *more]:
        count += needing.count()
        users += list(needing.order_by("name")[: NAMED - len(users)])
    if count:
        raise InUse(row, users, count)


def protecting(row: models.Model) -> list[models.QuerySet[models.Model]]:
    """The rows of each table whose foreign key forbids to delete `row`."""
    return [
        relation.related_model._default_manager.filter(**{relation.field.name: row})
        for relation in row._meta.related_objects
        if getattr(relation, "on_delete", None) is models.PROTECT
    ]


def sentence(row: models.Model, users: list[models.Model], count: int) -> str:
    nouns = {
        str(user._meta.verbose_name if count == 1 else user._meta.verbose_name_plural)
        for user in users
    }
    names = ", ".join(str(user) for user in users)
    more = f" and {count - len(users):,} more" if count > len(users) else ""
    return (
        f"{row} is used by {count:,} {' and '.join(sorted(nouns))}: {names}{more}. "
        f"Delete {'it' if count == 1 else 'them'} first; nothing was changed."
    )
