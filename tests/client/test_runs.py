"""A worker claims runs through the client, and is told when a run is no longer its own."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import Scope
from sequin_admin.client import Broken, Client, Pace, SequinError, held_run
from sequin_admin.client.runs import (
    RunFailed,
    RunLost,
    Runs,
    TargetConnection,
)
from sequin_admin.core import clock, leases
from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits.models import set_limit
from sequin_admin.syncs.models import CollectionState, Run, RunSlot, RunStatus, Sync
from sequin_admin.syncs.runs import lost_runs, run_operations
from tests.factories import make_credential, make_synced

COLLECTION = "stripe:customer"


@pytest.fixture
def synced(organization):
    credential = make_credential(organization, "stripe_key", name="Arrakis")
    return make_synced(credential, collection_ids=[COLLECTION])


@pytest.fixture
def runs(live_server, organization, synced):
    keys._cache.clear()
    _, token = keys.create(organization, name="engine", scopes=[Scope.RUNS], actor=None)
    with Runs(live_server.url, token) as runs:
        yield runs


def the_run():
    return Run.objects.get()


def test_a_run_is_claimed_reported_and_ended(runs):
    with runs.claim(wait_s=0) as run:
        (collection,) = run.collections
        assert (collection.collection_id, collection.cursor, collection.resync) == (
            COLLECTION,
            None,
            False,
        )
        run.log("Page 1")
        run.report(COLLECTION, cursor={"at": 1}, read=2, written=2, deletes="feed", completed=True)
        assert run.credential.token().headers["Authorization"].startswith("Bearer")

    stored = the_run()
    assert (stored.status, stored.rows_read, stored.log[0]["line"]) == ("succeeded", 2, "Page 1")
    assert CollectionState.objects.get().cursor == {"at": 1}
    assert Sync.objects.get().initial_backfill_completed_at


def test_permits_that_no_call_took_are_released_before_the_run_ends(runs):
    runs.pace = Pace(batch=5, use_within_s=30)
    with runs.claim(wait_s=0) as run:
        permits = run.credential.permits
        with run.credential.permit():
            assert len(permits.drawn) > 0

    assert (permits.drawn, permits.back) == ([], [])


def test_a_call_that_waits_for_its_permit_shows_with_the_next_report(runs, synced, monkeypatch):
    monkeypatch.setattr(held_run, "SHOWN_S", 0.0)
    one = Rate(allowed_requests=100, interval=1000, max_concurrent_requests=1)
    set_limit(synced[0].credential, one, actor=None)
    with runs.claim(wait_s=0) as run:
        permits = run.credential.permits
        holding = permits.take()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(permits.take)
            while not permits.callers:
                time.sleep(0.01)
            run.report(COLLECTION)
            assert the_run().waiting == "permit"
            permits.give(holding)
            permits.give(waiting.result())
        run.report(COLLECTION)
        assert the_run().waiting == ""


def test_a_report_whose_answer_is_lost_counts_once(runs, monkeypatch):
    answered = []

    def lose(*sent, **more):
        """The answer to the first of two equal requests is lost."""
        response = request(*sent, **more)
        answered.append(response.status_code)
        if len(answered) % 2:
            raise httpx2.ReadError("lost", request=response.request)
        return response

    with runs.claim(wait_s=0) as run:
        request = runs.client.http.request
        monkeypatch.setattr(runs.client.http, "request", lose)
        run.report(COLLECTION, cursor=1, read=5)

    assert answered == [200, 200, 200, 200]
    assert (the_run().status, the_run().rows_read) == (RunStatus.SUCCEEDED, 5)


def test_none_is_due(runs):
    with runs.claim(wait_s=0), runs.claim(wait_s=0) as second:
        assert second is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Broken("Reconnect it.", 409), ("nobody", "credential_broken", "source")),
        (ValueError("bad\nrecord 42"), ("operator", "value_error", "source")),
        (
            RunFailed("Let us read it.", owner="customer", code="no_right", of="source"),
            ("customer", "no_right", "source"),
        ),
    ],
)
def test_what_is_raised_ends_the_run_as_failed(runs, error, expected):
    with pytest.raises(type(error)), runs.claim(wait_s=0):
        raise error

    stored = the_run()
    assert stored.status == RunStatus.FAILED
    assert tuple(stored.error[name] for name in ("owner", "code", "of")) == expected
    assert "record" not in stored.error["message"]


def test_a_worker_that_stops_cancels_its_run_which_is_due_again(runs):
    with pytest.raises(KeyboardInterrupt), runs.claim(wait_s=0):
        raise KeyboardInterrupt

    assert the_run().status == RunStatus.CANCELLED
    assert RunSlot.objects.get().due_at <= clock.now()


def test_a_pause_ends_the_block_without_an_error(runs, synced):
    with runs.claim(wait_s=0) as run:
        run_operations.pause(synced[0], actor=None)
        run.report(COLLECTION, read=1)
        pytest.fail("It goes on.")

    assert the_run().status == RunStatus.CANCELLED


def test_a_lost_run_says_so_at_the_next_report(runs):
    with runs.claim(wait_s=0) as run:
        leases.revoke(RunSlot.objects.get())
        with pytest.raises(RunLost):
            run.report(COLLECTION, cursor=1)
        run.is_over = True

    assert CollectionState.objects.get().cursor is None


def test_a_run_that_nobody_reported_in_time_is_lost(runs):
    with runs.claim(wait_s=0) as run:
        RunSlot.objects.update(lease_until=clock.now())
        lost_runs.end_lost_runs()
        run.ends_at = 0
        with pytest.raises(RunLost):
            run.check()
        run.is_over = True

    assert the_run().status == RunStatus.LOST


def test_heartbeats_keep_a_run(runs, monkeypatch):
    beaten = threading.Event()
    with runs.claim(wait_s=0, lease_s=10) as run:
        run.lease_s = 0.03
        report = run.door.report
        monkeypatch.setattr(run.door, "report", lambda *a: (beaten.set(), report(*a))[1])
        threading.Thread(target=run.keep_alive, daemon=True).start()
        assert beaten.wait(20)

    assert the_run().last_report_at


def test_runs_come_one_after_the_other(runs, synced):
    found = []
    for run in runs.claims(wait_s=0):
        with run:
            found.append(run.fence)
        RunSlot.objects.update(due_at=clock.now())
        if len(found) == 2:
            break

    assert found == [1, 2]


def test_a_target_is_given_with_its_vetted_address(runs, synced, settings):
    settings.TARGET_NETWORKS = ["127.0.0.0/8"]
    target = synced[1]
    target.host, target.port, target.secrets = "127.0.0.1", 25432, {"password": "it's \\ me"}
    target.schema = "dune sea"
    target.save()

    with runs.claim(wait_s=0) as run:
        connection = run.target()

    assert (connection.hostaddr, connection.database) == ("127.0.0.1", "spice")
    assert "hostaddr=127.0.0.1" in connection.dsn()
    assert r"password='it\'s \\ me'" in connection.dsn()
    assert "it's" not in repr(connection)


def test_a_target_that_must_not_be_called_is_refused(runs, synced, settings):
    settings.TARGET_NETWORKS = []
    target = synced[1]
    target.host, target.secrets = "127.0.0.1", {"password": "spice"}
    target.save()

    with pytest.raises(SequinError) as refused, runs.claim(wait_s=0) as run:
        run.target()

    assert "127.0.0.1" in str(refused.value)
    assert (the_run().error["of"], the_run().error["code"]) == ("target", "target_unusable")


def test_a_connection_string_is_read_by_libpq():
    psycopg = pytest.importorskip("psycopg")
    connection = TargetConnection(
        "db.test", "203.0.113.7", 5432, "a b", "o'neil", "\\'", "verify-full", None, "my schema"
    )

    parsed = psycopg.conninfo.conninfo_to_dict(connection.dsn())

    assert (parsed["dbname"], parsed["user"], parsed["password"]) == ("a b", "o'neil", "\\'")
    assert (parsed["hostaddr"], parsed["sslrootcert"]) == ("203.0.113.7", "system")


def test_a_client_may_be_given(live_server, organization, synced):
    _, token = keys.create(organization, name="engine", scopes=[Scope.RUNS], actor=None)
    with Client(live_server.url, token) as client, Runs(client).claim(wait_s=0) as run:
        assert run.sync_name == "Invoices"
