"""Counts that are asked for together."""

from django.db.models import Count, Model, QuerySet, Subquery
from django.db.models.functions import Coalesce


def count_rows(rows: QuerySet[Model]) -> Coalesce:
    """The number of rows, all of one organization, as a part of a query."""
    numbers = rows.order_by().values("organization").annotate(count=Count("pk"))
    return Coalesce(Subquery(numbers.values("count")), 0)
