"""A sync with a consumer, and a key whose holder claims and reports its runs."""

from datetime import timedelta

import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import Scope
from sequin_admin.core import clock
from sequin_admin.syncs.models import DeleteMethod, RunSlot
from sequin_admin.syncs.runs import claims, run_health, run_reports, slots
from sequin_admin.syncs.runs.claims import RunFilter
from sequin_admin.syncs.runs.progress import CollectionReport
from sequin_admin.syncs.runs.run_reports import RunReport
from tests.factories import make_credential, make_synced

COLLECTION = "stripe:customer"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def synced(organization):
    credential = make_credential(organization, "stripe_key", name="Arrakis")
    return make_synced(credential, collection_ids=[COLLECTION], sync_frequency="15m")


@pytest.fixture
def sync(synced):
    return synced[0]


@pytest.fixture
def engine(organization, synced):
    key, _ = keys.create(organization, name="engine", scopes=[Scope.RUNS], actor=None)
    return Engine(key)


class Engine:
    """A worker without HTTP."""

    def __init__(self, key):
        self.key = key

    def claim(self, *, lease_s=60, **wanted):
        slots.make_slots(self.key.organization)
        claimed = claims.claim(self.key, RunFilter(**wanted), timedelta(seconds=lease_s))
        return claimed and claimed.run

    def report(self, run, *, fence=None, **sent):
        answer = run_reports.record(run.pk, self.key, RunReport(fence or run.fence, **sent))
        run_health.record_progress(answer.run)
        return [each.kind.value for each in answer.requests]

    def tell(self, run, collection_id=COLLECTION, *, status="running", fence=None, **sent):
        has_cursor = "cursor" in sent
        if "deletes" in sent:
            sent["deletes"] = DeleteMethod(sent["deletes"])
        told = CollectionReport(collection_id, has_cursor=has_cursor, **sent)
        return self.report(run, fence=fence, collections=[told], status=status)

    def run_once(self, **sent):
        """A whole run, at once."""
        RunSlot.objects.update(due_at=clock.now())
        run = self.claim()
        assert run, "None is due."
        return self.tell(run, status="succeeded", completed=True, **sent)

    def fail(self, **error):
        RunSlot.objects.update(due_at=clock.now())
        run = self.claim()
        told = {"owner": "operator", "code": "broken", "message": "It broke.", "of": "source"}
        self.report(run, status="failed", error={**told, **error})
        return run
