"""A worker that was asked to end its run, and reports all the same, loses it after a lease."""

from datetime import timedelta

import pytest

from sequin_admin.core import clock
from sequin_admin.syncs.models import Consumer, Run, Sync
from sequin_admin.syncs.runs import claims, lost_runs
from sequin_admin.syncs.runs.run_reports import RunOver

pytestmark = pytest.mark.django_db
ASKED = {
    "cancel": lambda at: Run.objects.update(cancel_requested_at=at),
    "pause": lambda at: Sync.objects.update(paused_at=at),
    "disable the sync": lambda at: Sync.objects.update(disabled_at=at),
    "disable the consumer": lambda at: Consumer.objects.update(disabled_at=at),
}


@pytest.mark.parametrize("asked", ASKED)
def test_it_keeps_neither_the_run_nor_its_secrets(engine, sync, asked):
    run = engine.claim(lease_s=60)
    ASKED[asked](clock.now() - timedelta(seconds=50))
    lost_runs.end_lost_runs()
    assert engine.report(run)
    assert claims.held_run(engine.key, sync.credential_id)

    ASKED[asked](clock.now() - timedelta(seconds=61))
    lost_runs.end_lost_runs()

    assert claims.held_run(engine.key, sync.credential_id) is None
    with pytest.raises(RunOver, match="has ended as cancelled"):
        engine.report(run)
    run.refresh_from_db()
    assert "after it was asked to end" in run.error["message"]


def test_a_run_that_nobody_asked_to_end_goes_on(engine, sync):
    run = engine.claim(lease_s=10)
    Run.objects.update(started_at=clock.now() - timedelta(hours=1))
    engine.report(run)

    lost_runs.end_lost_runs()

    assert claims.held_run(engine.key, sync.credential_id)
