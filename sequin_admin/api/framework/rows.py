"""Rows by id."""

from typing import TypeVar

from django.db.models import Model, QuerySet

from sequin_admin.api.framework.errors import ApiError

Row = TypeVar("Row", bound=Model)


def get_or_404(rows: QuerySet[Row], pk: object, noun: str, *, lock: bool = False) -> Row:
    """The row of that id, locked if asked for. Raises 404 where an organization's `rows` have none,
    whether it is nobody's or another organization's."""
    chosen = rows.select_for_update(of=("self",)) if lock else rows
    found = chosen.filter(pk=pk).first()
    if found is None:
        raise no_such(noun)
    return found


def no_such(noun: str) -> ApiError:
    return ApiError(404, f"There is no such {noun} in your organization.")
