"""The result of each row, as the report of an import has it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sequin_admin.command_line.formats import Item, Problem

REFUSED = "refused"


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


def results_of(items: Sequence[Item], answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        result(
            item.row, item.label, item.kind, done["result"], joined(item.note, done.get("notice"))
        )
        | {"id": done["id"]}
        for done in answer["data"]
        for item in [items[done["index"]]]
    ]


def joined(*sentences: str | None) -> str:
    return " ".join(filter(None, sentences))


def refusal(item: Item, reason: str) -> dict[str, Any]:
    return result(item.row, item.label, item.kind, REFUSED, reason)
