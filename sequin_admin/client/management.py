"""Any call of the Management API: JSON in and out, errors as exceptions, retries where useful."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import httpx2

from sequin_admin.client.answers import TIMEOUT_S, read_result, settings, unreachable
from sequin_admin.client.bounds import LARGEST_PAGE
from sequin_admin.client.errors import TryLater
from sequin_admin.client.plans import Plan, run
from sequin_admin.client.trace import trace_headers

TRIES = 4
PAUSE_S = 0.5
# How long one call may wait in total between retries.
PATIENCE_S = 300.0


class Api:
    """Connection to a Sequin Admin. `api_key` needs the scopes of what is called.

    Raises `Refused` when the server rejects a request, and `TryLater` when it is unreachable or
    overloaded after all retries. A POST has an `Idempotency-Key`, so a retry after a lost response
    does not repeat it.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout_s: float = TIMEOUT_S,
        tries: int = TRIES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.http = httpx2.Client(**settings(base_url, api_key, timeout_s))
        self.tries, self.sleep = tries, sleep

    def get(self, path: str, params: Mapping[str, object] | None = None) -> Any:
        return self.call("GET", path, params=params)

    def post(self, path: str, body: object = None, *, key: str = "") -> Any:
        """`key` is the `Idempotency-Key`; a new one if left out."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self.call("POST", path, body, headers=headers)

    def patch(self, path: str, body: object) -> Any:
        return self.call("PATCH", path, body)

    def put(self, path: str, body: object) -> dict[str, Any]:
        changed: dict[str, Any] = self.call("PUT", path, body)
        return changed

    def delete(self, path: str) -> None:
        self.call("DELETE", path)

    def pages(
        self, path: str, params: Mapping[str, object] | None = None, *, most: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """The rows of a list, at most `most`; further pages are requested when needed."""
        for answer in self.answers(path, params, most=most):
            yield from answer["data"]

    def answers(
        self, path: str, params: Mapping[str, object] | None = None, *, most: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """The pages of a list as whole responses, with at most `most` rows in total."""
        wanted, seen = dict(params or {}), set[str]()
        while most is None or most > 0:
            wanted["limit"] = LARGEST_PAGE if most is None else min(most, LARGEST_PAGE)
            answer = self.get(path, wanted)
            yield answer
            most = None if most is None else most - len(answer["data"])
            cursor = answer.get("next_cursor")
            # A cursor that comes again would lead round and round.
            if not cursor or cursor in seen:
                return
            seen.add(cursor)
            wanted["cursor"] = cursor

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        sent: dict[str, Any] = {"params": params, "headers": {**trace_headers(), **(headers or {})}}
        sent |= {} if body is None else {"json": body}
        return run(self.retrying(method, path, sent))

    def retrying(self, method: str, path: str, sent: dict[str, Any]) -> Plan[Any]:
        """The plan of `call()`. Raises `Refused` at once, `TryLater` after the last try."""
        request = partial(self.http.request, method, f"/v1/{path}", **sent)
        waited, answer_lost = 0.0, False
        for number in range(self.tries):
            try:
                response = yield request
                # The delete was done, only its response was lost.
                if answer_lost and (method, response.status_code) == ("DELETE", 404):
                    return None
                return read_result(response)
            except httpx2.HTTPError as error:
                failure, answer_lost = unreachable(error), True
                failure.retry_after_s = PAUSE_S * 2**number
            except TryLater as later:
                failure = later
            waited += failure.retry_after_s
            if number + 1 == self.tries or waited > PATIENCE_S:
                break
            yield partial(self.sleep, failure.retry_after_s)
        raise failure

    def close(self) -> None:
        self.http.close()

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
