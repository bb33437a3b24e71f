"""A run's progress, and its collections, as pages show them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sequin_admin.core.words import format_duration
from sequin_admin.dashboard.run_pages import states
from sequin_admin.dashboard.run_pages.states import ShownState
from sequin_admin.syncs.models import CollectionState, Run, RunSlot
from sequin_admin.syncs.runs import forecasts, slots

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class ShownCollection:
    """A collection of a run, or of a pair of sync and consumer. `held` are deletes that wait for a
    person."""

    collection_id: str
    generation: int
    rows_read: int
    rows_written: int
    rows_deleted: int
    lag_s: float | None
    deletes: str
    completed_at: datetime | None
    full_pass: bool = False
    sentence: str = ""
    is_held: bool = False
    consumer: str = ""

    @property
    def short_id(self) -> str:
        return self.collection_id.partition(":")[2] or self.collection_id

    @property
    def query(self) -> str:
        """Which one it is, for pages that do something with it."""
        return urlencode({"collection": self.collection_id})

    @property
    def deletes_words(self) -> str:
        return states.deletes_words(self.deletes)

    @property
    def is_begun(self) -> bool:
        return bool(self.rows_read or self.completed_at)


def of_entry(entry: dict[str, Any]) -> ShownCollection:
    """Of what a run shows."""
    shared = {name: entry[name] for name in SHARED}
    return ShownCollection(**shared, completed_at=states.completed_at(entry))


SHARED = (
    *("collection_id", "generation", "rows_read", "rows_written", "rows_deleted", "lag_s"),
    *("deletes", "full_pass"),
)


def of_state(state: CollectionState, consumer: str) -> ShownCollection:
    """Of what is stored of a pair."""
    shared = {name: getattr(state, name) for name in SHARED[:-1]}
    return ShownCollection(
        **shared,
        completed_at=state.completed_at,
        sentence=states.collection_sentence(state),
        is_held=state.deletes_held is not None or state.emptied_from is not None,
        consumer=consumer,
    )


@dataclass(frozen=True)
class ShownRun:
    """A run with its progress. `most` is how many rows a minute the limit lets through, and
    `known` what is stored of its collections."""

    run: Run
    most: int | None = None
    known: Mapping[str, CollectionState] = field(default_factory=dict)

    @property
    def collections(self) -> list[ShownCollection]:
        return [of_entry(entry) for entry in self.run.collections]

    @property
    def total(self) -> int:
        return len(self.run.collections)

    @property
    def done(self) -> int:
        return sum(bool(entry["completed_at"]) for entry in self.run.collections)

    @property
    def took(self) -> str:
        return format_duration(states.duration(self.run))

    @property
    def rows_per_minute(self) -> int:
        return round(self.run.rows_read / max(states.duration(self.run) / MINUTE, 1 / 60))

    @property
    def forecast(self) -> str:
        """What is left at the limit, of a run that goes on."""
        if not self.run.is_running():
            return ""
        left = forecasts.rows_left(self.run.collections, self.known)
        return forecasts.forecast(left, self.most)

    @property
    def waiting(self) -> str:
        return states.waiting_sentence(self.run)

    @property
    def sentence(self) -> str:
        return states.error_sentence(self.run)

    @property
    def whose_move(self) -> str:
        return states.whose_move(self.run)

    @property
    def can_cancel(self) -> bool:
        return self.run.is_running() and self.run.cancel_requested_at is None

    @property
    def brief(self) -> tuple[str, str, int]:
        """What the front of its sync says of it."""
        return (str(self.run.pk), self.run.status, self.run.rows_read)

    @property
    def facts(self) -> tuple[object, ...]:
        """What changes of it while it goes on."""
        run = self.run
        counts = (run.rows_read, run.rows_written, run.rows_deleted, run.lag_s)
        return (*counts, self.done, run.waiting, str(run.cancel_requested_at))


@dataclass(frozen=True)
class ShownPair:
    """A sync and one of its consumers: when the next run is due, or the run that goes on."""

    slot: RunSlot
    state: ShownState
    sentence: str
    is_waiting: bool
    running: ShownRun | None

    @classmethod
    def of(cls, slot: RunSlot, running: ShownRun | None) -> "ShownPair":
        name, reason = slots.state_of(slot, slot.sync)
        return cls(
            slot,
            states.pair_state(name, slot.failures),
            states.pair_sentence(slot, name, reason),
            name in ("due", "scheduled"),
            running if name == "running" else None,
        )

    @property
    def facts(self) -> tuple[object, ...]:
        run = self.running.run.pk if self.running else None
        return (str(self.slot.pk), self.state.label, self.sentence, str(run))
