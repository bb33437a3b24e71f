"""Pages of runs: what they say, what people ask of runs there, and what stays true by the poll."""

import csv
import io
from datetime import timedelta

import pytest
from django.urls import reverse

from sequin_admin.core import clock
from sequin_admin.dashboard.run_pages import states
from sequin_admin.limits.models import Sample, SamplePeriod
from sequin_admin.syncs import reports, syncs
from sequin_admin.syncs.models import CollectionState, Run, RunSample, RunSlot, RunStatus, Sync
from sequin_admin.syncs.reports import ReportedError
from sequin_admin.syncs.runs import pacing, run_operations, run_samples
from sequin_admin.syncs.runs.progress import CollectionReport
from tests.dashboard.test_live import LIVE, poll
from tests.factories import make_credential, make_synced
from tests.run_rows import TARGET_AWAY, claim_run, make_key, make_runs, report_run

CUSTOMERS = "stripe:customer"


@pytest.fixture
def sync(organization) -> Sync:
    credential = make_credential(organization, "stripe_key", name="Caladan")
    return make_synced(credential, collection_ids=[CUSTOMERS, "stripe:invoice"])[0]


def url(name, *args):
    return reverse(f"dashboard:{name}", args=[arg.pk for arg in args])


def page_of(client, name, *args, **query):
    answer = client.get(url(name, *args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def words(html):
    return " ".join(html.split())


def test_the_tab_says_what_runs_what_it_waits_for_and_what_stopped_the_last(owner, sync):
    make_runs(sync)

    html = words(page_of(owner, "sync_runs", sync))

    assert "It waits for a permit for" in html
    assert "0 of 2 collections complete" in html
    assert "The database refuses the connection." in html
    assert "Ours, at the target." in html
    assert "A full pass: what was not seen is gone" in html
    assert "did not find 4,000 rows any more" in html
    assert "Confirm deletes" in html


def test_a_sync_that_no_engine_ran_says_what_is_needed(owner, sync):
    html = words(page_of(owner, "sync_runs", sync))

    assert "No engine has asked for a run yet." in html
    assert "POST /v1/syncs/runs/claim" in html


def test_a_worker_that_only_reports_has_runs_without_a_schedule(owner, sync):
    reports.record_report(sync, rows=7, trouble=ReportedError("customer", "denied", "No access."))

    html = words(page_of(owner, "sync_runs", sync))

    assert "Its worker reports without claiming runs" in html
    assert "No access." in html
    assert "The customer&#x27;s, at the source." in html


@pytest.mark.parametrize("name", ["sync_runs", "sync", "runs", "run"])
def test_a_page_takes_few_queries(owner, sync, name, django_assert_max_num_queries):
    running, _ = make_runs(sync)
    page_of(owner, name, *{"runs": (), "run": (running,)}.get(name, (sync,)))
    for number in range(20):
        Run.objects.create(
            organization=sync.organization, sync=sync, rows_read=number, status=RunStatus.SUCCEEDED
        )

    with django_assert_max_num_queries(12):
        page_of(owner, name, *{"runs": (), "run": (running,)}.get(name, (sync,)))


@pytest.mark.parametrize("name", ["sync_runs", "runs", "run"])
def test_a_poll_takes_few_queries_and_sends_what_has_changed(
    owner, sync, name, django_assert_max_num_queries
):
    running, _ = make_runs(sync)
    page = page_of(owner, name, *{"runs": (), "run": (running,)}.get(name, (sync,)))
    with django_assert_max_num_queries(12):
        assert poll(owner, page).status_code == 304

    Run.objects.filter(pk=running.pk).update(rows_read=123_456)
    html = poll(owner, page).content.decode()

    assert "123,456" in html
    parts = {found[0] for found in LIVE.findall(html)}
    assert (
        parts
        == {
            "sync_runs": {"front", "sync_runs", "sync_collections"},
            "runs": {"run_row"},
            "run": {"run"},
        }[name]
    )


def test_a_list_of_what_is_over_is_not_asked_for_again(owner, sync):
    _, failed = make_runs(sync)
    page = page_of(owner, "runs", status="failed")
    assert str(failed.pk) in page

    assert poll(owner, page).status_code == 286


def test_what_others_have_is_not_told(client, stranger, sync):
    running, _ = make_runs(sync)
    client.force_login(stranger)
    for path in (url("sync_runs", sync), url("run", running), url("run_cancel", running)):
        assert client.get(path).status_code == 404
    for query in (
        {"sync_runs": sync.pk},
        {"sync_collections": sync.pk},
        {"run_row": running.pk},
        {"run": running.pk},
    ):
        assert client.get("/badges/", query).status_code == 286
    assert str(running.pk) not in client.get(url("runs")).content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, 2),
        ({"status": "failed"}, 1),
        ({"status": "lost"}, 0),
        ({"q": "status:running"}, 1),
        ({"q": "provider:stripe"}, 2),
        ({"q": "provider:hubspot"}, 0),
        ({"q": "customer:c-17"}, 2),
        ({"q": "invoices status:failed"}, 1),
        ({"q": "nothing"}, 0),
        ({"sync": "00000000-0000-0000-0000-000000000000"}, 0),
    ],
)
def test_the_list_takes_the_language_of_every_search(owner, user, sync, query, found):
    syncs.update(sync, actor=user, metadata={"customer": "c-17"})
    make_runs(sync)

    html = page_of(owner, "runs", **query)

    assert html.count("<tr id=") == found


def test_a_run_is_found_by_its_id_and_a_wrong_filter_says_so(owner, sync):
    running, _ = make_runs(sync)

    assert page_of(owner, "runs", q=f"id:{str(running.pk)[:8]}").count("<tr id=") == 1
    assert "status is one of running, succeeded" in page_of(owner, "runs", q="status:green")


@pytest.mark.parametrize("sort", ["newest", "-newest", "sync", "rows", "-rows", "lag", "-lag"])
def test_the_list_is_sorted(owner, sync, sort):
    make_runs(sync)

    assert page_of(owner, "runs", sort=sort).count("<tr id=") == 2


def test_the_list_as_csv(owner, sync):
    make_runs(sync)

    answer = owner.get(url("runs"), {"format": "csv", "status": "failed"})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")

    [row] = csv.DictReader(io.StringIO(text))
    assert (row["status"], row["owner"], row["of"]) == ("failed", "operator", "target")
    assert (row["rows_read"], row["sync"]) == ("1000", "Invoices")


def test_a_sync_is_paused_and_resumed(owner, sync):
    make_runs(sync)
    asked = words(page_of(owner, "sync_pause", sync))
    assert "1 run under way: it ends at its next report." in asked

    answer = owner.post(url("sync_pause", sync), follow=True)

    sync.refresh_from_db()
    assert sync.paused_at
    assert url("sync_resume", sync) in answer.content.decode()
    RunSlot.objects.update(lease_until=None)
    assert "Resume it, and its next run starts at once." in page_of(owner, "sync_runs", sync)

    owner.post(url("sync_resume", sync))
    sync.refresh_from_db()
    assert sync.paused_at is None


def test_a_collection_is_read_again(owner, sync):
    make_runs(sync)
    path = f"{url('sync_resync', sync)}?collection={CUSTOMERS}"
    assert "So far 1,500 rows were read." in owner.get(path).content.decode()

    owner.post(path)

    state = CollectionState.objects.get(collection_id=CUSTOMERS)
    assert (state.generation, state.swap_from) == (2, 1)
    html = words(page_of(owner, "sync_runs", sync))
    assert "It is read again into generation 2. Readers see generation 1" in html


@pytest.mark.parametrize("query", ["", "?collection=stripe:other"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_a_sync_does_not_read_is_not_read_again(owner, sync, query, method):
    answer = getattr(owner, method)(url("sync_resync", sync) + query, follow=True)

    assert "does not read" in answer.content.decode()


def test_deletes_are_confirmed_once(owner, sync):
    make_runs(sync)
    asked = words(page_of(owner, "sync_confirm_deletes", sync))
    assert "About 4,000 rows of stripe:customer in Warehouse" in asked

    done = owner.post(url("sync_confirm_deletes", sync), follow=True).content.decode()
    again = owner.post(url("sync_confirm_deletes", sync), follow=True).content.decode()

    assert "The next full pass of stripe:customer deletes what it misses." in done
    assert "wait to be confirmed" in again
    assert not CollectionState.objects.exclude(deletes_held=None).exists()
    assert owner.get(url("sync_confirm_deletes", sync)).status_code == 302


def test_a_run_is_cancelled_once(owner, sync):
    running, failed = make_runs(sync)
    assert "ends at its next report" in words(page_of(owner, "run_cancel", running))

    owner.post(url("run_cancel", running))

    running.refresh_from_db()
    assert running.cancel_requested_at
    assert "It was cancelled, and ends at its next report." in words(page_of(owner, "run", running))
    for method in (owner.get, owner.post):
        answer = method(url("run_cancel", failed), follow=True)
        assert "has ended as failed already." in answer.content.decode()


def test_a_stop_after_failures_says_whose_move_it_is(owner, sync):
    key = make_key(sync)
    for number in range(pacing.MOST_FAULTS):
        run = claim_run(sync, key)
        report_run(run, key, status="failed", error=TARGET_AWAY)
        if number == 0:
            html = words(page_of(owner, "sync_runs", sync))
            assert "Trying again" in html
            assert "1 failure in a row. The next run starts by itself." in html

    html = words(page_of(owner, "sync_runs", sync))

    assert "It stopped after 5 failures in a row. We must act." in html
    assert ">Resume<" in html


def test_a_run_that_nobody_claims_is_told(owner, sync):
    claim = claim_run(sync, make_key(sync))
    Run.objects.filter(pk=claim.pk).delete()
    RunSlot.objects.update(lease_until=None, due_at=clock.now() - timedelta(minutes=12))

    html = words(page_of(owner, "sync_runs", sync))

    assert "No engine has asked for it in 12 min." in html


def test_the_page_of_a_run_shows_the_last_lines_of_its_log(owner, sync):
    running, failed = make_runs(sync)

    html = page_of(owner, "run", running)

    assert "Page 39 of customers: 100 rows" in html
    assert "the last 40" in html
    lost = Run.objects.create(organization=sync.organization, sync=sync, status=RunStatus.LOST)
    assert "Its worker sent nothing for 1 min." in words(page_of(owner, "run", lost))
    assert "connection_refused" in page_of(owner, "run", failed)


def test_a_forecast_goes_by_the_limit_and_by_what_a_call_brought(owner, sync):
    key = make_key(sync)
    run = claim_run(sync, key)
    CollectionState.objects.update(rows_known=5_000)
    passes = (
        CollectionReport(name, full_pass=True, rows_seen=seen, rows_read=seen)
        for name, seen in ((CUSTOMERS, 1_000), ("stripe:invoice", 500))
    )
    report_run(run, key, *passes)
    # The account was used before any sync read, too.
    reading = run_samples.start_of(clock.now())
    for at, granted in ((reading, 15), (reading - timedelta(minutes=1), 4_000)):
        Sample.objects.create(
            credential=sync.credential, span=SamplePeriod.MINUTE, at=at, granted=granted
        )

    html = words(page_of(owner, "sync_runs", sync))

    # 1,500 rows in 15 calls, and 20 calls a second.
    assert "About 8,500 rows are left: 4 s at the limit" in html
    assert "Limit, about 120,000" in html


def test_the_front_says_what_the_last_run_did(owner, sync):
    make_runs(sync)
    html = words(page_of(owner, "sync", sync))
    assert "Last run" in html
    assert "500 rows read" in html

    run = Run.objects.running().get()
    Run.objects.filter(pk=run.pk).update(status=RunStatus.SUCCEEDED, ended_at=clock.now())
    assert ">Succeeded</a>" in words(page_of(owner, "sync", sync))


def test_samples_add_up_and_are_pruned(sync):
    now = run_samples.start_of(clock.now()) + timedelta(seconds=1)
    for rows, lag in ((5, 3.0), (7, None), (0, 9.0), (1, 2.0), (0, None)):
        run_samples.record_sample(sync, rows, lag, now)

    [row] = RunSample.objects.all()
    assert (row.rows_read, row.lag_s) == (13, 9.0)
    assert run_samples.history(sync, 48, timedelta(minutes=30))[-1].rows_read == 13
    RunSample.objects.update(at=clock.now() - timedelta(days=9))
    assert run_samples.prune() == 1


def test_a_report_is_sampled_with_its_run(sync):
    make_runs(sync)

    assert sum(RunSample.objects.values_list("rows_read", flat=True)) == 1500
    run_operations.pause(sync, actor=None)


def test_a_run_that_got_no_token_leaves_the_blame_to_the_credential():
    message = "HubSpot revoked it. The customer must connect the account again."
    error = {"owner": "nobody", "code": "credential_broken", "message": message, "of": "source"}

    assert states.whose_move(Run(status=RunStatus.FAILED, error=error)) == "As its credential says"
