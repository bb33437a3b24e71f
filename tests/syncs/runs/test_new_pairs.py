"""When a pair of sync and consumer that has no slot yet gets one."""

import pytest

from sequin_admin.syncs.models import RunSlot
from sequin_admin.syncs.runs import claims, slots
from sequin_admin.syncs.runs.claims import RunFilter
from tests.factories import make_synced
from tests.syncs.runs.conftest import COLLECTION, MINUTE


@pytest.fixture
def later(engine, sync):
    """A sync that came after the slots of the others were made."""
    slots.make_slots(engine.key.organization)
    return make_synced(sync.credential, name="Later", collection_ids=[COLLECTION])[0]


def claim_sync(engine):
    claimed = claims.claim_or_make(engine.key, RunFilter(), MINUTE)
    return claimed and claimed.run.sync


def test_it_is_found_as_soon_as_no_other_is_due(engine, sync, later, monkeypatch):
    monkeypatch.setattr(claims, "LOOK_SHARE", 0)

    claimed = claim_sync(engine)

    assert claimed == sync
    assert not RunSlot.objects.filter(sync=later).exists()
    assert claim_sync(engine) == later
    assert claim_sync(engine) is None


def test_it_is_found_while_others_are_due_all_the_time(engine, sync, later, monkeypatch):
    monkeypatch.setattr(claims, "LOOK_SHARE", 1)

    claimed = claim_sync(engine)

    assert claimed == sync
    assert RunSlot.objects.filter(sync=later).exists()
