"""How long a run will take at its limit, by how many rows a call brought lately. Pure."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sequin_admin.core.words import format_duration
from sequin_admin.credentials.kinds import Rate
from sequin_admin.syncs.models import CollectionState

MS_A_MINUTE = 60_000


def rows_per_call(rows: int, calls: int) -> float | None:
    """None when no calls were counted, as of an engine that asks for no permits."""
    return rows / calls if rows and calls else None


def most_rows_per_minute(rate: Rate, per_call: float | None) -> int | None:
    """How many rows the limit lets through."""
    if per_call is None:
        return None
    return round(rate.allowed_requests * MS_A_MINUTE / rate.interval * per_call)


def rows_left(
    entries: Iterable[dict[str, Any]], states: Mapping[str, CollectionState]
) -> int | None:
    """How many rows the full passes of a run have before them, by what the last ones found. None
    when nothing is known of one of them."""
    left = 0
    for entry in entries:
        if entry["completed_at"]:
            continue
        state = states.get(entry["collection_id"])
        if state is None or state.rows_known is None or not entry["full_pass"]:
            return None
        seen = state.rows_seen if state.rows_seen is not None else entry["rows_read"]
        left += max(0, state.rows_known - seen)
    return left


def forecast(left: int | None, most: int | None) -> str:
    """A sentence, or nothing when there is nothing to go by."""
    if not most:
        return ""
    through = f"about {most:,} rows a minute"
    if not left:
        return f"The limit lets {through} through, at as many rows a call as in the last day."
    length = format_duration(timedelta(minutes=left / most))
    return f"About {left:,} rows are left: {length} at the limit, which lets {through} through."
