"""What pages say of runs that were lost, of the limit's rows a minute, and on the overview."""

from datetime import timedelta

import pytest

from sequin_admin.core import clock
from sequin_admin.health.models import Incident, subject_columns
from sequin_admin.limits.models import Sample, SamplePeriod
from sequin_admin.syncs import consumers, syncs
from sequin_admin.syncs.check_results import LATE
from sequin_admin.syncs.models import Consumer, Run, RunSample, RunSlot, RunStatus
from sequin_admin.syncs.runs import run_operations, run_samples
from tests.dashboard.conftest import address
from tests.dashboard.test_live import poll
from tests.factories import make_credential, make_run, make_synced


@pytest.fixture
def sync(organization):
    return make_synced(make_credential(organization, "stripe_key", name="Caladan"))[0]


@pytest.fixture
def lost(sync):
    run = make_run(Consumer.objects.get(), sync)
    Run.objects.update(status=RunStatus.LOST, ended_at=clock.now())
    RunSlot.objects.update(lease_until=None)
    return run


def read(client, name, *args):
    return " ".join(client.get(address(name, *args)).content.decode().split())


def stop(sync):
    RunSlot.objects.update(stopped_at=clock.now() + timedelta(hours=1))


HELD = {
    "nothing": (lambda sync: None, "Nobody&#x27;s: the next run goes on"),
    "paused": (lambda sync: run_operations.pause(sync, actor=None), "Ours, to resume it"),
    "stopped": (stop, "Ours, to resume it"),
    "disabled": (
        lambda sync: syncs.set_status(sync, status="disabled", actor=None),
        "Ours, to enable it",
    ),
    "inactive": (
        lambda sync: consumers.update(Consumer.objects.get(), actor=None, active=False),
        "Ours, to enable it",
    ),
}


@pytest.mark.parametrize("name", HELD)
def test_a_lost_run_says_whose_move_the_next_one_is(owner, sync, lost, name):
    hold, said = HELD[name]
    hold(sync)

    pages = [read(owner, page, pk) for page, pk in (("run", lost.pk), ("sync_runs", sync.pk))]

    assert all(said in page for page in pages)
    assert all("The next run goes on from the last cursor." in page for page in pages)


def test_who_reports_without_runs_has_no_rows_a_minute(owner, sync):
    """Its calls need not be made with our permits, so their number says nothing."""
    now = run_samples.start_of(clock.now())
    RunSample.objects.create(sync=sync, at=now, rows_read=500_000)
    Sample.objects.create(credential=sync.credential, span=SamplePeriod.MINUTE, at=now, granted=3)
    make_run(Consumer.objects.get(), sync)
    assert "Limit, about" in read(owner, "sync_runs", sync.pk)

    RunSlot.objects.update(last_started_at=clock.now() - timedelta(hours=25))

    assert "Limit, about" not in read(owner, "sync_runs", sync.pk)


def test_the_overview_counts_runs_and_keeps_them_up_to_date(owner, sync, lost):
    Incident.objects.create(
        **subject_columns(sync), status="sequin_intervention", code=LATE, message="Late."
    )
    page = owner.get(address("overview")).content.decode()
    said = " ".join(page.split())
    assert "0 runs under way</a>" in said
    assert "1 sync late</a>" in said
    assert "1 run lost in 24 h</a>" in said

    Run.objects.update(status=RunStatus.RUNNING, ended_at=None)

    assert "1 run under way" in " ".join(poll(owner, page).content.decode().split())
    # Neither another fault of a sync nor what was lost two days ago.
    Incident.objects.update(code="rows")
    Run.objects.update(status=RunStatus.LOST, ended_at=clock.now() - timedelta(days=2))
    assert "under way" not in read(owner, "overview")


def test_without_runs_the_overview_says_nothing_of_them(owner, sync):
    assert "under way" not in read(owner, "overview")


def test_another_target_is_said_to_mean_that_all_is_read_again_before_it_is_chosen(owner, sync):
    consumer = Consumer.objects.get()
    assert "everything is read again" in read(owner, "consumer_edit", consumer.pk)
    assert "everything is read again" not in read(owner, "consumer_new")


def test_what_the_front_says_is_not_said_of_the_last_run_again(owner, sync, lost):
    """Unless the front does not say it, as while a fault may still pass by itself."""
    error = {
        "owner": "customer",
        "of": "source",
        "code": "broken",
        "message": "It answered nonsense.",
    }
    Run.objects.update(status=RunStatus.FAILED, error=error)
    type(sync).objects.update(last_report_at=clock.now())
    assert read(owner, "sync", sync.pk).count("It answered nonsense.") == 1

    type(sync).objects.update(
        health_status="sequin_intervention", health_note="It answered nonsense. We must mend it."
    )

    assert read(owner, "sync", sync.pk).count("It answered nonsense.") == 1
