"""Reads a provider's rate limit from its responses, as the provider reports it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2

from sequin_admin.client.retry_after import read_date, retry_after_s

# How long a reported remainder counts when the response names no reset time.
DEFAULT_RESET_MS = 1000.0
# "18/5000" at the start, after a name, or between other pairs; not within brackets.
USED_OF = re.compile(r"(?:^|[;,=]) *([0-9]{1,12})/([0-9]{1,12})(?=$|[;, (])")
UNITS_PER_S = {"epoch_s": 1, "epoch_ms": 1000}


class Dialect:
    """How a provider reports throttling and remaining calls; `known` is `Access.dialect`."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self.known = known
        self.signs = [(status, plain(text)) for status, text in known["throttled"]]

    def needs_body(self, response: httpx2.Response) -> bool:
        """Whether the response body is needed to recognise throttling."""
        kind = response.headers.get("Content-Type", "")
        asked = any(text and status == response.status_code for status, text in self.signs)
        return asked and "json" in kind

    def ending(self, response: httpx2.Response) -> dict[str, Any]:
        """How the call ended, for `POST .../permits/release`. Needs the body if `needs_body()`."""
        said: dict[str, Any] = {"outcome": "ok"}
        resets = self.reset_ms(response)
        if self.throttled(response):
            said["outcome"] = "throttled"
            wait = retry_after_s(response)
            pause = [None if wait is None else wait * 1000, resets, self.pause_ms]
            said["retry_after_ms"] = next((each for each in pause if each is not None), None)
        remaining = self.remaining(response)
        if remaining is not None:
            said["remaining"] = remaining
            said["reset_ms"] = DEFAULT_RESET_MS if resets is None else resets
        return said

    @property
    def pause_ms(self) -> float | None:
        pause = self.known["pause_s"]
        return None if pause is None else pause * 1000

    def throttled(self, response: httpx2.Response) -> bool:
        for status, text in self.signs:
            if status == response.status_code and (
                not text or (self.needs_body(response) and text in plain(response.text))
            ):
                return True
        return False

    def remaining(self, response: httpx2.Response) -> int | None:
        left = response.headers.get(self.known["remaining"] or "-", "")
        if left.isdecimal():
            return int(left)
        # "api-usage=18/5000; per-app-api-usage=17/250(appName=x)": the least of them counts.
        pairs = USED_OF.findall(response.headers.get(self.known["used_of"] or "-", ""))
        return min((max(int(most) - int(used), 0) for used, most in pairs), default=None)

    def reset_ms(self, response: httpx2.Response) -> float | None:
        """Milliseconds until the reset, by the response's `Date` header if it has one."""
        at = seconds(response.headers.get(self.known["reset"] or "-", ""))
        if at is None:
            return None
        at /= UNITS_PER_S[self.known["reset_unit"]]
        now = read_date(response.headers.get("Date", "")) or datetime.now(UTC)
        return max(at - now.timestamp(), 0) * 1000


def plain(text: str) -> str:
    """Lower case without whitespace, for comparing texts."""
    return "".join(text.split()).lower()


def seconds(text: str) -> float | None:
    return float(text) if text.replace(".", "", 1).isdecimal() else None
