"""Deletes all rows that belong to one row, such as an organization, in short transactions.

Which tables those are says the foreign keys of the models, so that none is forgotten.
"""

import time
from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter

from django.apps import apps
from django.db import models

from sequin_admin.core import pruning, shutdown

Model = type[models.Model]
# Owners whose rows are looked for together.
OWNERS = 500
# Their keys are read for so many pages at once: PostgreSQL passes all owners whose rows are gone
# before it finds the first that has any.
PAGES = 40


def foreign_keys(model: Model) -> list[models.ForeignKey[models.Model]]:
    return [field for field in model._meta.concrete_fields if isinstance(field, models.ForeignKey)]


def find_owned(root: Model) -> dict[Model, tuple[str, Model]]:
    """Each model whose rows belong to one of `root`, with the foreign key that leads there and the
    model that it leads to. In the order in which their rows can be deleted."""
    tables = [m for m in apps.get_models(include_auto_created=True) if not m._meta.proxy]
    found = dict[Model, tuple[str, Model]]()
    level = [root]
    while level:
        links = {
            model: (key.attname, owner)
            for owner in level
            for model in tables
            if model not in found and model is not root
            for key in foreign_keys(model)
            if key.related_model is owner and (owner is root or not key.null)
        }
        found |= links
        level = [*links]
    needs = {m: {key.related_model for key in foreign_keys(m)} & found.keys() - {m} for m in found}
    order = reversed([*TopologicalSorter(needs).static_order()])
    return {model: found[model] for model in order}


def delete_owned(row: models.Model, until: float) -> bool:
    """Delete what belongs to the row, until the monotonic time `until`. Whether all is gone.

    Nothing is asked for each row: what points to it is gone before, and what signals see to
    belongs to the owner as well. Raises `IntegrityError` when a row was added meanwhile.
    """
    owned, pace = find_owned(type(row)), pruning.Pace(is_bare=True)
    for model, (column, _) in owned.items():
        for keys in pages_of_owners(row, model, owned):
            rows = model._base_manager.filter(**{f"{column}__in": keys})
            pruning.prune(rows, by=column, until=until, pace=pace)
            if time.monotonic() > until or shutdown.is_requested():
                return False
    return True


def pages_of_owners(
    row: models.Model, model: Model, owned: dict[Model, tuple[str, Model]]
) -> Iterator[Sequence[object]]:
    """The keys of owners of the model's rows that belong to the row, page by page, until the same
    come again: their rows were not deleted, as another process has locked them.

    Owners that have no rows are left out: a turn does not begin with the pages that are done.
    """
    column, owner = owned[model]
    if owner is type(row):
        yield [row.pk]
        return
    has_rows = models.Exists(model._base_manager.filter(**{column: models.OuterRef("pk")}))
    # In no order: to sort the owners for each page takes longer than to delete its rows.
    rows = owner._base_manager.filter(has_rows, **{path_to(row, owner, owned): row.pk}).order_by()
    last: Sequence[object] = []
    while (found := list(rows.values_list("pk", flat=True)[: OWNERS * PAGES])) and found != last:
        for start in range(0, len(found), OWNERS):
            yield found[start : start + OWNERS]
        last = found


def path_to(row: models.Model, model: Model, owned: dict[Model, tuple[str, Model]]) -> str:
    """The look-up from rows of the model to the row that they belong to."""
    column, owner = owned[model]
    if owner is type(row):
        return column
    name = next(key.name for key in foreign_keys(model) if key.attname == column)
    return f"{name}__{path_to(row, owner, owned)}"


def count_owned(row: models.Model) -> dict[Model, int]:
    """How many rows of each model have the row as their direct owner."""
    owned = find_owned(type(row))
    direct = {m: column for m, (column, owner) in owned.items() if owner is type(row)}
    counts = {m: m._base_manager.filter(**{column: row.pk}).count() for m, column in direct.items()}
    return {model: count for model, count in counts.items() if count}
