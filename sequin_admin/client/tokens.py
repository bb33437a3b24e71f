"""The token of one credential: cached until shortly before it expires, then read again."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx2

from sequin_admin.client.access import Access
from sequin_admin.client.answers import Http, ask, read_access, read_permits
from sequin_admin.client.errors import TryLater
from sequin_admin.client.permit_pool import Pace, retry_wait_s
from sequin_admin.client.plans import Plan

MARGIN_S = 60.0


class CredentialPlans:
    """What `Credential` and `AsyncCredential` do; one plan about the token at a time.

    `sleep` waits so many seconds; for asyncio it is awaited, as are the requests of `http`.
    """

    def __init__(self, http: Http, sleep: Callable[[float], object], id: str, pace: Pace) -> None:
        self.http, self.sleep, self.id, self.pace = http, sleep, id, pace
        self.known: Access | None = None

    def valid_token(self, min_ttl_s: int) -> Plan[Access]:
        if self.known is None or not self.known.lives(max(MARGIN_S, min_ttl_s)):
            self.known = yield from self.read("GET", "token", params={"min_ttl": min_ttl_s})
        return self.known

    def next_token(self, refused: Access) -> Plan[Access]:
        if self.known is None or self.known.fingerprint == refused.fingerprint:
            body = {"fingerprint": refused.fingerprint}
            self.known = yield from self.read("POST", "token/refresh", json=body)
        return self.known

    def read(self, method: str, ending: str, **sent: Any) -> Plan[Access]:
        """Waits up to `patience_s` where the server says when to ask again."""
        ends = time.monotonic() + self.pace.patience_s
        while True:
            try:
                response = yield from ask(self.http, method, f"{self.id}/{ending}", **sent)
                return read_access(response)
            except TryLater as later:
                yield partial(self.sleep, retry_wait_s(later, ends))

    def permits(self, ending: str, body: dict[str, Any]) -> Plan[httpx2.Response]:
        path = f"{self.id}/permits{ending}"
        return read_permits((yield from ask(self.http, "POST", path, json=body)))
