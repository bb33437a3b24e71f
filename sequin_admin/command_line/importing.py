"""Imports parsed rows, up to 1,000 per request, and reports the result of each row."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sequin_admin.client import Api, Refused
from sequin_admin.command_line.formats import Item, Problem, Shape

CHUNK = 1000
REFUSED = "refused"
# HTTP statuses: invalid rows, or too large a request.
INVALID, TOO_LARGE = 422, 413
WITH_OTHERS = "Held back: {rows}, and rows go together, a thousand at a time."


def chunks_of(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def with_app(item: Item, shape: Shape, apps: Sequence[Mapping[str, Any]]) -> Item:
    """The item with its provider's OAuth app, if one is given and the kind needs one."""
    fitting = (app["id"] for app in apps if app["provider"] == shape.provider)
    app = next(fitting, None) if shape.needs_oauth_app else None
    return replace(item, body={**item.body, "oauth_app_id": app}) if app else item


def warn_without_app(items: Sequence[Item], shapes: Mapping[str, Shape]) -> str:
    """A warning about credentials whose tokens can't be renewed, or an empty string."""
    lacking = [i for i in items if shapes[i.kind].needs_oauth_app and "oauth_app_id" not in i.body]
    if not lacking:
        return ""
    providers = ", ".join(sorted({shapes[item.kind].provider for item in lacking}))
    return (
        f"{len(lacking)} of them name no OAuth app ({providers}), so their tokens can't be "
        "renewed. Give it with --oauth-app ID."
    )


def left_out(problem: Problem) -> dict[str, Any]:
    return result(problem.row, problem.label, "", REFUSED, problem.sentence)


def result(row: int, name: str, kind: str, outcome: str, reason: str = "") -> dict[str, Any]:
    return {
        "row": row,
        "name": name,
        "kind": kind,
        "id": None,
        "result": outcome,
        "reason": reason,
    }


def send(api: Api, items: Sequence[Item], *, dry_run: bool) -> list[dict[str, Any]]:
    """Import all items or none, splitting too large a request. Raises errors not about rows."""
    body = {"credentials": [item.body for item in items], "dry_run": dry_run}
    try:
        answer = api.post("credentials/bulk", body)
    except Refused as error:
        if error.status == TOO_LARGE and len(items) > 1:
            half = len(items) // 2
            parts = (items[:half], items[half:])
            return [done for part in parts for done in send(api, part, dry_run=dry_run)]
        if error.status != INVALID:
            raise
        return refused(items, error)
    return [
        result(item.row, item.label, item.kind, done["result"], done.get("notice") or "")
        | {"id": done["id"]}
        for done in answer["data"]
        for item in [items[done["index"]]]
    ]


def refused(items: Sequence[Item], error: Refused) -> list[dict[str, Any]]:
    """Results for every row of a rejected chunk: its own messages, or that it was held back."""
    said: dict[int, list[str]] = {}
    for path, sentences in error.fields.items():
        match = re.match(r"credentials\.(\d+)\.?(.*)", path)
        if match is None or int(match[1]) >= len(items):
            raise error
        where = f"{match[2]}: " if match[2] else ""
        messages = said.setdefault(int(match[1]), [])
        messages += [f"{where}{with_rows(text, items)}" for text in sentences]
    if not said:
        raise error
    named = shortened([items[index].row for index in sorted(said)])
    refused = f"row {named} is refused" if len(said) == 1 else f"rows {named} are refused"
    return [
        result(
            item.row,
            item.label,
            item.kind,
            REFUSED,
            " ".join(said.get(index, [WITH_OTHERS.format(rows=refused)])),
        )
        for index, item in enumerate(items)
    ]


def with_rows(sentence: str, items: Sequence[Item]) -> str:
    """Replace indexes of the request body in a message by row numbers of the file."""

    def row(match: re.Match[str]) -> str:
        index = int(match[1])
        return f"row {items[index].row}" if index < len(items) else match[0]

    return re.sub(r"\bcredentials\.(\d+)\b", row, sentence)


def shortened(rows: list[int]) -> str:
    more = len(rows) - 3
    named = ", ".join(map(str, rows[:3]))
    return f"{named} and {more} more" if more > 0 else named
