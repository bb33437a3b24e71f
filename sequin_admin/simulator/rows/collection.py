"""The declaration of a collection, and one of its rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.rows.draws import Draw

Fields = dict[str, Any]


@dataclass
class LivingRow:
    """A row at one moment. Times are milliseconds since 1970; `deleted_ms` is that of a tombstone.

    `fields` are drawn when they are first asked for, with those over them that were written.
    """

    number: int
    created_ms: int
    updated_ms: int
    deleted_ms: int | None
    drawn: Callable[[], Fields]
    written: Fields
    _fields: Fields | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def fields(self) -> Fields:
        if self._fields is None:
            self._fields = {**self.drawn(), **self.written}
        return self._fields


@dataclass(frozen=True)
class RowCollection:
    """A collection of a provider that lives.

    `id_of` makes the provider's id of an account's row of a number, and `number_of` a number of an
    id, or None. `render` is a row as the provider's API shows it. The provider's times are told in
    steps of `grain_ms`. With `deletes` off, no row is ever deleted by the heart.
    """

    name: str
    fields: Callable[[Draw], Fields]
    render: Callable[[SimulatedAccount, LivingRow], Fields]
    id_of: Callable[[SimulatedAccount, int], str]
    number_of: Callable[[SimulatedAccount, str], int | None]
    grain_ms: int = 1
    deletes: bool = True


def to_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def to_datetime(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def iso_plain(at_ms: int) -> str:
    """`2026-11-29T12:00:00`: without the part of a second."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).isoformat()[:19]


def iso_seconds(at_ms: int) -> str:
    """`2026-11-29T12:00:00Z`."""
    return f"{iso_plain(at_ms)}Z"


def iso_millis(at_ms: int) -> str:
    """`2026-11-29T12:00:00.123Z`."""
    return f"{iso_plain(at_ms)}.{at_ms % 1000:03d}Z"


def parse_time(text: str) -> int | None:
    """Milliseconds of an ISO 8601 time, which is UTC without a zone; None if it is none."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
