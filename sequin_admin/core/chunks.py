"""Rows in chunks, for work that takes the same few statements for each chunk."""

from collections.abc import Iterator
from typing import TypeVar

from django.db import models

CHUNK_SIZE = 500

Row = TypeVar("Row", bound=models.Model)


def chunked(rows: models.QuerySet[Row], size: int = CHUNK_SIZE) -> Iterator[list[Row]]:
    """All rows, by their primary keys. Each chunk is read after the one before was used."""
    rows, last = rows.order_by("pk"), None
    while chunk := list((rows.filter(pk__gt=last) if last else rows)[:size]):
        yield chunk
        last = chunk[-1].pk
