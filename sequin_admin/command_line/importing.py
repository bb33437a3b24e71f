"""Tries parsed rows, imports the good ones, up to 1,000 per request, and reports on each row."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sequin_admin.client import Api, Refused
from sequin_admin.client.bounds import MOST_IMPORTED
from sequin_admin.command_line.formats import Item, Problem, Shape
from sequin_admin.command_line.import_runs import ImportRun

REFUSED = "refused"
# HTTP statuses: invalid rows, or too large a request.
INVALID, TOO_LARGE = 422, 413
# An index of the request's body in a message.
INDEX = re.compile(r"\bcredentials\.(\d+)\b")
WITH_OTHERS = "Held back: {rows}, and rows go together, a thousand at a time."


def chunks_of(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), MOST_IMPORTED):
        yield items[start : start + MOST_IMPORTED]


def with_app(item: Item, shape: Shape, apps: Sequence[Mapping[str, object]]) -> Item:
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
        f"{len(lacking):,} of {len(items):,} without an OAuth app ({providers}): their tokens "
        "can't be renewed. Give it with --oauth-app ID."
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


@dataclass
class Trial:
    """What a dry run says: the rows that would be taken, with their results, and the others'."""

    good: list[Item] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    # Marks of the accounts of what is good.
    accounts: list[Sequence[str]] = field(default_factory=list)

    def add(self, other: "Trial") -> None:
        self.good += other.good
        self.results += other.results
        self.refused += other.refused
        self.accounts += other.accounts

    def refuse_duplicates(self) -> None:
        """Refuse the rows of one account that were tried in different requests."""
        first: dict[str, int] = {}
        said: dict[int, str] = {}
        for index, marks in enumerate(self.accounts):
            for earlier in sorted({first[mark] for mark in marks if mark in first}):
                rows = (f"row {self.good[each].row}" for each in (earlier, index))
                sentence = f"{' and '.join(rows)} are the same account. Send one of them."
                said.setdefault(earlier, sentence)
                said.setdefault(index, sentence)
            first |= {mark: index for mark in marks if mark not in first}
        self.refused += [refusal(self.good[index], said[index]) for index in sorted(said)]
        kept = [index for index in range(len(self.good)) if index not in said]
        self.good = [self.good[index] for index in kept]
        self.results = [self.results[index] for index in kept]
        self.accounts = [self.accounts[index] for index in kept]


def try_items(api: Api, items: Sequence[Item]) -> Trial:
    """Try rows without importing them, again without those that are refused. Raises errors that
    are not about rows."""
    trial = Trial()
    while items:
        try:
            answer = api.post("credentials/bulk", body_of(items, dry_run=True))
        except Refused as error:
            if error.status == TOO_LARGE and len(items) > 1:
                for part in halves(items):
                    trial.add(try_items(api, part))
                return trial
            said = reasons_of(items, error)
            trial.refused += [refusal(items[index], " ".join(said[index])) for index in said]
            items = [item for index, item in enumerate(items) if index not in said]
        else:
            accounts = [done.get("accounts", ()) for done in answer["data"]]
            trial.add(Trial(list(items), results_of(items, answer), accounts=accounts))
            return trial
    return trial


def send(api: Api, items: Sequence[Item], run: ImportRun) -> list[dict[str, Any]]:
    """Import all items or none, splitting too large a request. Raises errors not about rows."""
    body = body_of(items, dry_run=False)
    try:
        return results_of(items, api.post("credentials/bulk", body, key=run.key_of(body)))
    except Refused as error:
        if error.status == TOO_LARGE and len(items) > 1:
            return [done for part in halves(items) for done in send(api, part, run)]
        return refused(items, error)


def body_of(items: Sequence[Item], *, dry_run: bool) -> dict[str, Any]:
    return {"credentials": [item.body for item in items], "dry_run": dry_run}


def halves(items: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Item]]:
    return items[: len(items) // 2], items[len(items) // 2 :]


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


def reasons_of(items: Sequence[Item], error: Refused) -> dict[int, list[str]]:
    """Messages by index of a rejected request. Raises the error when it is not about rows.

    Of two rows for one account the server names the second: neither is taken.
    """
    said: dict[int, list[str]] = {}
    if error.status != INVALID:
        raise error
    for path, sentences in error.fields.items():
        match = re.match(r"credentials\.(\d+)\.?(.*)", path)
        if match is None or int(match[1]) >= len(items):
            raise error
        where = f"{match[2]}: " if match[2] else ""
        for text in sentences:
            named = {int(index) for index in INDEX.findall(text)}
            for index in sorted({int(match[1]), *(n for n in named if n < len(items))}):
                said.setdefault(index, []).append(f"{where}{with_rows(text, items)}")
    if not said:
        raise error
    return said


def refused(items: Sequence[Item], error: Refused) -> list[dict[str, Any]]:
    """Results for every row of a rejected chunk: its own messages, or that it was held back."""
    said = reasons_of(items, error)
    named = shortened([items[index].row for index in sorted(said)])
    rows = f"row {named} is refused" if len(said) == 1 else f"rows {named} are refused"
    held = [WITH_OTHERS.format(rows=rows)]
    return [refusal(item, " ".join(said.get(index, held))) for index, item in enumerate(items)]


def with_rows(sentence: str, items: Sequence[Item]) -> str:
    """Replace indexes of the request body in a message by row numbers of the file."""

    def row(match: re.Match[str]) -> str:
        index = int(match[1])
        return f"row {items[index].row}" if index < len(items) else match[0]

    return INDEX.sub(row, sentence)


def shortened(rows: list[int]) -> str:
    more = len(rows) - 3
    named = ", ".join(map(str, rows[:3]))
    return f"{named} and {more} more" if more > 0 else named
