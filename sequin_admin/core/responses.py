"""What came back from a call: status, headers, body."""

import json as jsonlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from sequin_admin.core import clock
from sequin_admin.core.redaction import redact
from sequin_admin.core.strict_json import storable, storable_text

# A form-encoded body and nothing else: neither spaces nor markup.
_FORM = re.compile(r"[\w.~%+-]+=[^\s<>&]*(&[\w.~%+-]+=[^\s<>&]*)*")


@dataclass(frozen=True)
class Response:
    """An HTTP response: `status`, `headers` by lower-case name, `body` in bytes.

    `sent` are the secrets in the request: a server may repeat them in its response.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    sent: tuple[str, ...] = field(default=(), repr=False, compare=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as Unicode text, as JSON must be; else as Latin-1, which older servers send.

        What can't be stored is replaced.
        """
        try:
            text = self.body.decode(jsonlib.detect_encoding(self.body))
        except UnicodeDecodeError:
            text = self.body.decode("latin-1")
        return storable_text(text)

    def excerpt(self, chars: int) -> str:
        """The start of the body without secrets, for people."""
        return redact(self.text[: 2 * chars], self.sent)[:chars]

    @property
    def retry_after_s(self) -> float | None:
        """Seconds to wait by `Retry-After` (RFC 9110 section 10.2.3): a delay, or a date, which
        counts from the response's own `Date`."""
        text = self.headers.get("retry-after", "").strip()
        if re.fullmatch(r"[0-9]{1,12}(\.[0-9]*)?", text):
            return float(text)
        at, now = read_date(text), read_date(self.headers.get("date", ""))
        return max((at - (now or clock.now())).total_seconds(), 0) if at else None

    def json(self) -> Any:
        """The body as JSON that can be stored; None when it is not JSON (an HTML page, an empty
        body) or nested too deeply."""
        return self._value

    @cached_property
    def _value(self) -> Any:
        try:
            return storable(jsonlib.loads(self.text))
        except (ValueError, RecursionError):
            return None

    def data(self) -> dict[str, Any]:
        """The body as a JSON object, or the fields of a form-encoded body, in which some servers
        send errors; empty when it is anything else."""
        value = self.json()
        if value is None and _FORM.fullmatch(text := self.text.strip()):
            return dict(parse_qsl(text))
        return value if isinstance(value, dict) else {}

    def dig(self, *path: str | int) -> Any:
        """The JSON value at `path` of keys and list indexes; None when there is none."""
        value = self.json()
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value


def read_date(text: str) -> datetime | None:
    """The time of an HTTP date; None for anything else."""
    try:
        at = parsedate_to_datetime(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
