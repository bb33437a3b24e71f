"""Ids of rows of many tables, read by one query."""

from collections.abc import Sequence

from django.db.models import CharField, Model, QuerySet, Value
from django.db.models.functions import Cast


def read_ids(asked: Sequence[tuple[QuerySet[Model], Sequence[str]]]) -> list[list[list[str]]]:
    """For each queryset and the columns asked of it, equally many each, the rows as texts."""
    parts = [
        rows.order_by().values_list(Value(number), *(Cast(each, CharField()) for each in columns))
        for number, (rows, columns) in enumerate(asked)
    ]
    found: list[list[list[str]]] = [[] for _ in asked]
    for number, *texts in parts[0].union(*parts[1:], all=True):
        found[number].append(texts)
    return found
