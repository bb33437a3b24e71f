"""Our server, the simulator and a target, and the processes of an engine between them."""

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils import timezone

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Organization, Scope
from sequin_admin.core.env import ROOT
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.limits import models as limits
from sequin_admin.syncs import consumers, syncs, targets
from sequin_admin.syncs.models import Run, RunSlot, RunStatus, Sync
from tests.browser.kinds import STORIES
from tests.limits.test_accuracy import most_in_a_window
from tests.patience import PATIENCE_S
from tests.postgres_cluster import Cluster, wait_until
from tests.simulator_server import Simulator

PROGRAM = ROOT / "deploy" / "examples" / "dlt" / "sync.py"
# The simulator's name of a collection that we know by another.
CALLED = {"tblSpice000000001": "appArrakis0000001/tblSpice000000001"}


class World:
    """`sync()` makes a sync of an account, `start()` a process, `check()` compares the rows."""

    def __init__(
        self,
        python: str,
        server: Cluster,
        live_server: Any,
        simulator: Simulator,
        organization: Organization,
        connected: Callable[[str], Credential],
        settings: Any,
    ) -> None:
        settings.TARGET_NETWORKS = ["127.0.0.0/8"]
        self.python, self.server, self.url = python, server, live_server.url
        self.simulator, self.organization, self.connected = simulator, organization, connected
        _, self.key = keys.create(organization, name="engine", scopes=[Scope.RUNS], actor=None)
        self.target = targets.create(
            organization,
            actor=None,
            name="Warehouse",
            host="127.0.0.1",
            port=server.port,
            database="warehouse",
            username="sequin",
            password="spice",
            ssl_mode="disable",
            schema="records",
        )
        self.consumer = consumers.create(
            organization, actor=None, name="Warehouse", target=self.target, all_syncs=True
        )
        self.processes: list[subprocess.Popen[str]] = []
        self.folder = tempfile.TemporaryDirectory()

    def sync(self, kind: str, *names: str, of: Sync | None = None, rows: int = 300) -> Sync:
        """Of a new credential, or of that of another sync."""
        credential = of.credential if of else self.connected(kind)
        ids = [f"{credential.provider}:{name}" for name in names]
        made = syncs.create(
            credential, actor=None, name=f"{credential.provider} {names[0]}", collection_ids=ids
        )
        for name in names:
            self.simulator.set_count(
                made.provider, self.account(made), rows, CALLED.get(name, f"{name}s")
            )
        return made

    def limit(self, sync: Sync, calls_a_second: int) -> None:
        """Of its credential, however many run at the same time."""
        rate = Rate(allowed_requests=calls_a_second, interval=1000, max_concurrent_requests=1_000)
        limits.set_limit(sync.credential, rate, actor=None)

    def start(self) -> subprocess.Popen[str]:
        """The example, as people run it, in an environment that says nothing else."""
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **{"SEQUIN_URL": self.url, "SEQUIN_API_KEY": self.key, "PYTHONPATH": str(ROOT)},
        }
        self.started_at = timezone.now()
        with self.log().open("a") as log:
            process = subprocess.Popen(
                [self.python, str(PROGRAM)], env=environment, stdout=log, stderr=log, text=True
            )
        self.processes.append(process)
        return process

    def log(self) -> Path:
        return Path(self.folder.name, "log")

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
        self.folder.cleanup()
        self.end_requests()

    def end_requests(self) -> None:
        """What the workers asked for goes on without them; a claim waits as long as its key lives.
        The database is emptied next, which must not wait for a request that waits for it."""
        keys.revoke(ApiKey.objects.get(name="engine"), actor=None)
        serving = "process_request_thread"
        wait_until(lambda: not any(serving in t.name for t in threading.enumerate()), PATIENCE_S)

    def kill(self, process: subprocess.Popen[str]) -> None:
        """The worker is gone, and its lease has passed."""
        process.kill()
        process.wait()
        self.expire_leases()

    def expire_leases(self) -> None:
        past = timezone.now() - timezone.timedelta(seconds=1)
        RunSlot.objects.exclude(lease_until=None).update(lease_until=past)

    def make_due(self, sync: Sync) -> None:
        """Those that are due already stay longest due."""
        now = timezone.now()
        RunSlot.objects.filter(sync=sync, due_at__gt=now).update(due_at=now, failures=0)

    def latest(self, sync: Sync) -> Run | None:
        return Run.objects.filter(sync=sync).order_by("-started_at").first()

    def finish(self, *of: Sync) -> None:
        """Wait until a run that begins from now on has succeeded, of each sync."""
        began = timezone.now()
        for sync in of:
            self.wait(lambda sync=sync: self.has_succeeded(sync, began))

    def wait(self, condition: Callable[[], bool]) -> None:
        """Raises `AssertionError` with what the processes and the runs have said."""
        try:
            wait_until(condition, PATIENCE_S)
        except AssertionError as error:
            runs = Run.objects.order_by("started_at").values_list(
                "status", "rows_read", "rows_written", "error", "log"
            )
            said = "\n".join([self.log().read_text()[-4000:], *map(str, runs)])
            raise AssertionError(said) from error

    def has_succeeded(self, sync: Sync, since: Any) -> bool:
        self.make_due(sync)
        runs = Run.objects.filter(sync=sync, started_at__gt=since)
        return runs.filter(status=RunStatus.SUCCEEDED).exists()

    def wait_for_run(self, sync: Sync, more: int = 0) -> None:
        """Until a run of the latest process has written more than so many rows, and goes on."""
        runs = Run.objects.filter(sync=sync, status=RunStatus.RUNNING, rows_written__gt=more)

        def is_running() -> bool:
            self.make_due(sync)
            return runs.filter(started_at__gt=self.started_at).exists()

        self.wait(is_running)

    def schema(self, sync: Sync) -> str:
        return f"records_{sync.pk.hex[:12]}"

    def rows(self, sync: Sync, table: str) -> dict[str, Any]:
        """What the target has. Raises `AssertionError` for a row that is there twice."""
        found = self.server.sql(
            f'SELECT id, data FROM "{self.schema(sync)}"."{table}"', "warehouse"
        )
        assert len({row[0] for row in found}) == len(found)
        return {str(key): data for key, data in found}

    def versions(self, sync: Sync, name: str) -> list[tuple[object, ...]]:
        """Which transaction wrote each row, and how many loads there were."""
        counted = f'(SELECT count(*) FROM "{self.schema(sync)}"._dlt_loads)'
        found = f'SELECT id, xmin::text, {counted} FROM "{self.schema(sync)}".{name}_raw'
        return sorted(self.server.sql(found, "warehouse"))

    def check(self, sync: Sync, *, throttled: bool = False) -> dict[str, Any]:
        """Each collection is as the oracle says, and no call was over the limit: none was refused,
        or, where a drill has `throttled` them, no more arrived than may. Returns the rows of the
        last collection."""
        if throttled:
            rate = limits.get_rate(sync.credential)
            arrived = self.arrivals(sync.provider)
            assert most_in_a_window(arrived, rate.interval) <= rate.allowed_requests
        else:
            assert self.refused(sync.provider) == []
        rows: dict[str, Any] = {}
        for collection_id in sync.collection_ids:
            name = collection_id.partition(":")[2]
            rows = self.rows(sync, f"{name.lower()}_raw")
            expected = self.oracle(sync, name)
            wrong = {
                key for key in rows.keys() | expected.keys() if rows.get(key) != expected.get(key)
            }
            shown = {key: (rows.get(key), expected.get(key)) for key in sorted(wrong)[:2]}
            assert not wrong, f"{len(wrong)} of {len(expected)} rows of {name} differ: {shown}"
        return rows

    def oracle(self, sync: Sync, name: str) -> dict[str, Any]:
        collection = CALLED.get(name, f"{name}s")
        known, after = dict[str, Any](), ""
        while after is not None:
            page = self.simulator.rows(sync.provider, self.account(sync), collection, after=after)
            known |= {row["id"]: row["row"] for row in page["rows"]}
            after = page["next"]
        return known

    def account(self, sync: Sync) -> str:
        return str(STORIES[sync.credential.kind].account)

    def live(self, sync: Sync, seconds: float = 900, per_hour: float = 1200) -> None:
        """Let the account's rows change for a while, which passes at once, and then stand still."""
        account = self.account(sync)
        self.simulator.set_heart(sync.provider, account, per_hour)
        self.simulator.clock(seconds)
        self.simulator.set_heart(sync.provider, account, 0)
        # HubSpot's search is behind.
        self.simulator.clock(10)

    def arrivals(self, provider: str) -> list[int]:
        """When calls with a permit arrived at the simulator, in µs."""
        calls = [each for each in self.simulator.calls(provider) if "token" not in each["endpoint"]]
        return sorted(round(datetime.fromisoformat(c["at"]).timestamp() * 1e6) for c in calls)

    def refused(self, provider: str) -> list[dict[str, Any]]:
        """Calls that were over the limit, by the simulator's count."""
        return [call for call in self.simulator.calls(provider) if call["status"] == 429]
