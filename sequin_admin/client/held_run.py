"""A run that this worker holds: its reports, and the thread that keeps it alive."""

import threading
import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

from sequin_admin.client.api import Credential
from sequin_admin.client.errors import SequinError, TryLater
from sequin_admin.client.held_collection import HeldCollection
from sequin_admin.client.run_errors import RunCancelled, RunLost, RunPaused, describe
from sequin_admin.client.target_connection import TargetConnection

# Lines of one report, and characters of a line.
MOST_LINES, LINE_CHARS = 200, 500
# How often the end of a run is reported when the server is away, and the pause in between.
END_TRIES, END_PAUSE_S = 5, 1.0
LATE = (
    "No report has reached Sequin Admin within the lease of this run, so another worker may have "
    "taken it over. Write nothing more."
)
UNCHANGED: object = object()


# A permit that takes longer is shown as what the run waits for.
SHOWN_S = 2.0


def clock_s() -> float:
    """Seconds that also count while the machine sleeps, where the system knows them."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class RunDoor(Protocol):
    """What asks the server for a run: `RunCalls`."""

    def report(self, run_id: str, body: dict[str, Any], key: str) -> dict[str, Any]: ...
    def target(self, run_id: str) -> dict[str, Any]: ...


class HeldRun:
    """One run. Its methods may be called from several threads.

    `requests` are what the last report was answered with.
    """

    def __init__(
        self,
        door: RunDoor,
        answer: dict[str, Any],
        credential: Callable[[str, str], Credential],
        lease_s: float,
        asked_at: float,
    ) -> None:
        shown = answer["run"]
        self.door, self.lease_s = door, lease_s
        self.id, self.fence = str(shown["id"]), int(shown["fence"])
        self.sync_id, self.sync_name = str(shown["sync_id"]), str(shown["sync_name"])
        self.consumer_id, self.provider = shown["consumer_id"], shown["provider"]
        self.kind, self.credential_id = shown["kind"], str(shown["credential_id"])
        self.target_id = shown["target_id"]
        self.credential = credential(self.credential_id, self.sync_id)
        self.collections = [HeldCollection.of(each) for each in answer["collections"]]
        self.requests: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self.waits_for: str | None = None
        self.ends_at = asked_at + lease_s
        self.lost = ""
        self.is_over = False
        self.lock = threading.RLock()
        self.ended = threading.Event()
        threading.Thread(target=self.keep_alive, name=f"run {self.id}", daemon=True).start()

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.sync_name}>"

    def target(self) -> TargetConnection:
        """How to connect to the target. Raises `RunLost`, `TryLater` or another `SequinError`."""
        return TargetConnection.of(self.door.target(self.id))

    def report(
        self,
        collection_id: str,
        *,
        cursor: object = UNCHANGED,
        read: int = 0,
        written: int = 0,
        deleted: int = 0,
        lag_s: float | None = None,
        deletes: str | None = None,
        full_pass: bool | None = None,
        seen: int | None = None,
        to_delete: int | None = None,
        completed: bool = False,
        generation: int | None = None,
    ) -> None:
        """Report what was done for a collection since the last report, and extend the lease.

        Report a cursor after what it stands for is committed at the target. `deletes` is feed,
        archived_list, sweep or none. At the end of a full pass `seen` is how many rows there are
        and `to_delete` how many a sweep or a swap would delete: then ask `may_delete()`.

        Raises `RunLost`, `RunPaused`, `RunCancelled`, and `TryLater` when the server is away.
        """
        sent: dict[str, Any] = {
            "collection_id": collection_id,
            "rows_read": read,
            "rows_written": written,
            "rows_deleted": deleted,
            "lag_s": lag_s,
            "deletes": deletes,
            "full_pass": full_pass,
            "rows_seen": seen,
            "rows_to_delete": to_delete,
            "completed": completed,
            "generation": generation,
        }
        if cursor is not UNCHANGED:
            sent["cursor"] = cursor
        self.send({"collections": [sent]}, str(uuid.uuid4()))
        self.check()

    def may_delete(self, collection_id: str) -> bool:
        """Whether a sweep or swap of the collection may delete, as the last report was answered."""
        return not any(
            each["kind"] == "hold_deletes" and each.get("collection_id") == collection_id
            for each in self.requests
        )

    def waiting(self, what: str | None) -> None:
        """Show what it waits for: permit, target or source; None when it works again.

        A call that waits for its permit is shown anyway, with the next report or heartbeat.
        """
        with self.lock:
            if what != self.waits_for:
                self.waits_for = what
                self.send({})

    def log(self, line: str) -> None:
        """Add a line to the run's log, which goes with the next report."""
        with self.lock:
            self.lines = [*self.lines, line[:LINE_CHARS]][-MOST_LINES:]

    def check(self) -> None:
        """Raise `RunLost`, `RunPaused` or `RunCancelled` when this run should end."""
        if not self.lost and not self.is_over and clock_s() >= self.ends_at:
            self.send_late()
        if self.lost:
            raise RunLost(self.lost, 409)
        kinds = {each["kind"] for each in self.requests}
        if "pause" in kinds:
            raise RunPaused(f"{self.sync_name} was paused.")
        if "cancel" in kinds:
            raise RunCancelled(f"This run of {self.sync_name} was cancelled.")

    def send_late(self) -> None:
        """The lease may have passed: only the server knows whether another has taken over."""
        try:
            self.send({})
        except RunLost:
            raise
        except SequinError as error:
            raise RunLost(LATE) from error

    def send(self, more: dict[str, Any], key: str = "") -> None:
        """One report. With a `key` it counts once, however often it is sent. Raises `RunLost` and
        `TryLater`."""
        with self.lock:
            if self.lost:
                raise RunLost(self.lost, 409)
            asked_at, lines = clock_s(), self.lines
            waits_for = self.waits_for
            if not waits_for and self.credential.permits.waited_s() > SHOWN_S:
                waits_for = "permit"
            body = {"fence": self.fence, "waiting": waits_for, "log": lines, **more}
            try:
                answer = self.door.report(self.id, body, key)
            except RunLost as error:
                self.lost = str(error)
                raise
            self.lines = self.lines[len(lines) :]
            self.ends_at, self.requests = asked_at + self.lease_s, answer["requests"]

    def keep_alive(self) -> None:
        """Heartbeats, every third of the lease; more often while the server is away."""
        pause_s = self.lease_s / 3
        while not self.ended.wait(pause_s):
            pause_s = self.lease_s / 3
            with self.lock:
                if self.ended.is_set() or self.lost:
                    return
                try:
                    self.send({})
                except RunLost:
                    return
                except SequinError:
                    pause_s = self.lease_s / 20

    def end(self, status: str, error: dict[str, Any] | None = None) -> None:
        """Report the end of the run, once. Raises `RunLost` and `TryLater`."""
        with self.lock:
            if self.is_over:
                return
            self.is_over = True
            self.ended.set()
            # Afterwards the key may not.
            self.credential.permits.release_drawn()
            ending = {"status": status, "error": error, "waiting": None}
            key, lines = str(uuid.uuid4()), self.lines
            for number in range(END_TRIES):
                try:
                    return self.send({**ending, "log": lines}, key)
                except TryLater:
                    if number + 1 == END_TRIES or clock_s() >= self.ends_at:
                        raise
                    time.sleep(END_PAUSE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Ends the run. What a person asked for is no error, all else is raised again."""
        if error is None:
            self.end("succeeded")
            return False
        try:
            if isinstance(error, RunCancelled) or not isinstance(error, Exception):
                self.end("cancelled")
            elif not isinstance(error, RunLost):
                self.end("failed", describe(error))
        except SequinError:
            # What stopped the run says more than that its end could not be told.
            pass
        finally:
            self.is_over = True
            self.ended.set()
        return isinstance(error, RunCancelled)
