"""Connections of rows that live, by cursors (https://relay.dev/graphql/connections.htm).

A cursor is the place of a row in the order of its list, so that a page loses nothing while rows
change.
"""

import base64
import json
from collections.abc import Callable
from functools import partial
from itertools import islice, takewhile

from sequin_admin.simulator.graphql.row_lists import RowList, RowPlace
from sequin_admin.simulator.rows.collection import Fields, LivingRow


class PageError(Exception):
    """The arguments of a connection are wrong; the message says which."""


def write_cursor(place: RowPlace) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def parse_cursor(text: object, name: str) -> RowPlace | None:
    """Raises `PageError`."""
    if text is None:
        return None
    try:
        at_ms, number = json.loads(base64.urlsafe_b64decode(str(text)))
        return int(at_ms), int(number)
    except (ValueError, TypeError) as error:
        raise PageError(f"`{name}` is not a cursor of this list") from error


def page_size(arguments: Fields, usual: int, most: int) -> int:
    """Raises `PageError`."""
    name = "last" if arguments.get("last") is not None else "first"
    size = arguments.get(name)
    if size is None:
        return usual
    if not 0 < size <= most:
        raise PageError(f"`{name}` must be from 1 to {most}")
    return int(size)


def make_connection(
    found: RowList,
    render: Callable[[LivingRow], Fields],
    arguments: Fields,
    *,
    usual: int,
    most: int,
) -> Fields:
    """One page, from its beginning or, by `last` or `before`, its end. Raises `PageError`."""
    size = page_size(arguments, usual, most)
    after, before = (parse_cursor(arguments.get(name), name) for name in ("after", "before"))
    backwards = arguments.get("first") is None and (arguments.get("last"), before) != (None, None)
    start, stop = (before, after) if backwards else (after, before)
    walk = found.walk(start, backwards=backwards)
    if stop is not None:
        walk = takewhile(partial(found.is_before, stop, backwards), walk)
    rows = list(islice(walk, size + 1))
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    edges = [{"cursor": write_cursor(found.place(r)), "node": render(r)} for r in rows]
    cursors: list[object] = [edge["cursor"] for edge in edges] or [None]
    return {
        "nodes": [edge["node"] for edge in edges],
        "edges": edges,
        "pageInfo": {
            "hasNextPage": before is not None if backwards else more,
            "hasPreviousPage": more if backwards else after is not None,
            "startCursor": cursors[0],
            "endCursor": cursors[-1],
        },
    }
