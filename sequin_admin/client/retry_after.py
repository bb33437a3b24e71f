"""The one reader of `Retry-After` (RFC 9110 section 10.2.3)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

DIGITS = 9


def retry_after_s(response: httpx2.Response) -> float | None:
    """Seconds to wait: a delay, or a date, which counts from the response's own `Date`."""
    text = response.headers.get("Retry-After", "").strip()
    if text.replace(".", "", 1).isdecimal() and text.isascii() and len(text) <= DIGITS:
        return float(text)
    at, now = read_date(text), read_date(response.headers.get("Date", ""))
    return max((at - (now or datetime.now(UTC))).total_seconds(), 0) if at else None


def read_date(text: str) -> datetime | None:
    """The time of an HTTP date; None for anything else."""
    try:
        at = parsedate_to_datetime(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
