"""Tries parsed rows, without importing them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sequin_admin.client import Api, Refused
from sequin_admin.command_line.formats import Item
from sequin_admin.command_line.import_refusals import TOO_LARGE, reasons_of
from sequin_admin.command_line.import_results import refusal, results_of
from sequin_admin.command_line.importing import body_of, halves


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
