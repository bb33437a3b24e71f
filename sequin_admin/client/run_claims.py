"""Claims runs from the server."""

import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

import httpx2

from sequin_admin.client.answers import (
    TIMEOUT_S,
    error_in,
    object_in,
    send,
    summary_of,
    try_later,
)
from sequin_admin.client.api import PACE, Client, Credential
from sequin_admin.client.errors import Broken, SequinError, TryLater
from sequin_admin.client.held_run import HeldRun, clock_s
from sequin_admin.client.permits import Pace
from sequin_admin.client.plans import Plan, run
from sequin_admin.client.retry_after import retry_after_s
from sequin_admin.client.run_errors import RunFailed, RunLost

LEASE_S, WAIT_S = 60, 20
# Where the server has no place for one more who waits.
LEAST_PAUSE_S, MOST_PAUSE_S = 1.0, 3.0


class RunCalls:
    """Requests about runs."""

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http

    def claim(self, body: dict[str, Any]) -> dict[str, Any]:
        return run(self.asking("POST", "claim", json=body, headers=once(str(uuid.uuid4()))))

    def report(self, run_id: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        return run(self.asking("POST", f"{run_id}/report", json=body, headers=once(key)))

    def target(self, run_id: str) -> dict[str, Any]:
        """Raises `RunFailed` for a target that somebody must mend first."""
        try:
            return run(self.asking("GET", f"{run_id}/target"))
        except Broken as error:
            raise RunFailed(str(error), code="target_unusable", of="target") from None

    def asking(self, method: str, path: str, **sent: Any) -> Plan[dict[str, Any]]:
        """Raises `RunLost`, `TryLater` or another `SequinError`."""
        response: httpx2.Response = yield from send(
            self.http, method, f"/v1/syncs/runs/{path}", **sent
        )
        if response.status_code == 200:
            return object_in(response)
        if response.status_code == 409 and retry_after_s(response) is not None:
            raise try_later(response)
        if response.status_code == 409 and path.endswith("report"):
            raise RunLost(summary_of(response), 409)
        raise error_in(response)


def once(key: str) -> dict[str, str]:
    """The header with which a request that is sent again, as its answer was lost, is done once."""
    return {"Idempotency-Key": key} if key else {}


class Claim:
    """`with runs.claim() as run:`; `run` is None when none was due."""

    def __init__(self, held: HeldRun | None) -> None:
        self.held = held

    def __enter__(self) -> HeldRun | None:
        return self.held

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        return self.held.__exit__(kind, error, trace) if self.held else False


class Runs:
    """Runs of a Sequin Admin, by its address and an API key with the scope `runs`, or by a
    `Client` that has them."""

    def __init__(
        self,
        url: str | Client,
        api_key: str = "",
        *,
        pace: Pace = PACE,
        timeout_s: float = TIMEOUT_S,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        is_client = isinstance(url, Client)
        self.client = url if isinstance(url, Client) else Client(url, api_key, timeout_s=timeout_s)
        self.is_mine, self.pace, self.sleep = not is_client, pace, sleep
        self.calls = RunCalls(self.client.http)
        self.credentials: dict[tuple[str, str], Credential] = {}

    def claim(self, **wanted: Any) -> Claim:
        """Claim the run that is longest due. `wanted` is as of `claims()`."""
        return Claim(self.next_run(**wanted))

    def claims(
        self,
        *,
        sync_ids: Sequence[object] = (),
        consumer_ids: Sequence[object] = (),
        providers: Sequence[str] = (),
        wait_s: float = WAIT_S,
        lease_s: int = LEASE_S,
    ) -> Iterator[HeldRun]:
        """Runs one after the other, for ever. Use each in a `with` block: `with run: ...`"""
        wanted: dict[str, Any] = {
            "sync_ids": sync_ids,
            "consumer_ids": consumer_ids,
            "providers": providers,
            "wait_s": wait_s,
            "lease_s": lease_s,
        }
        while True:
            began = clock_s()
            try:
                held = self.next_run(**wanted)
            except TryLater as later:
                self.sleep(later.retry_after_s)
                continue
            if held is None:
                self.pause_since(began)
                continue
            try:
                yield held
            except GeneratorExit:
                held.__exit__(GeneratorExit, GeneratorExit(), None)
                raise
            if not held.is_over:
                held.end("succeeded")

    def pause_since(self, began: float) -> None:
        """The server may have answered at once, as enough others wait there."""
        pause_s = random.uniform(LEAST_PAUSE_S, MOST_PAUSE_S)  # noqa: S311 - guards nothing
        if (left := began + pause_s - clock_s()) > 0:
            self.sleep(left)

    def next_run(
        self,
        *,
        sync_ids: Sequence[object] = (),
        consumer_ids: Sequence[object] = (),
        providers: Sequence[str] = (),
        wait_s: float = WAIT_S,
        lease_s: int = LEASE_S,
    ) -> HeldRun | None:
        """The run that is longest due, claimed for `lease_s` seconds; None when none is due within
        `wait_s`. Raises `TryLater` or another `SequinError`."""
        body = {
            "sync_ids": [str(each) for each in sync_ids],
            "consumer_ids": [str(each) for each in consumer_ids],
            "providers": list(providers),
            "wait_s": wait_s,
            "lease_s": lease_s,
        }
        asked_at = clock_s()
        try:
            answer = self.calls.claim(body)
        except Broken as error:
            raise SequinError(str(error), error.status) from None
        if answer.get("run") is None:
            return None
        return HeldRun(self.calls, answer, self.credential_for, lease_s, asked_at)

    def credential_for(self, credential_id: str, sync_id: str) -> Credential:
        """The same one for all runs of a sync, with its token and permits."""
        known = (credential_id, sync_id)
        if known not in self.credentials:
            pace = replace(self.pace, sync_id=self.pace.sync_id or sync_id)
            self.credentials[known] = self.client.credential(credential_id, pace)
        return self.credentials[known]

    def close(self) -> None:
        if self.is_mine:
            self.client.close()

    def __enter__(self) -> "Runs":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
