"""Many claim at once: each pair of sync and consumer has one run."""

from collections import Counter

import pytest

from sequin_admin.syncs import consumers, syncs
from sequin_admin.syncs.models import Run, RunSlot
from tests.parallel import USES, in_parallel

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
SYNCS = 12


def test_each_pair_is_claimed_once(engine, synced, organization):
    sync, target, _ = synced
    for number in range(SYNCS - 1):
        syncs.create(sync.credential, actor=None, name=f"Sync {number}")
    consumers.create(organization, actor=None, name="All", target=target, all_syncs=True)

    claimed = [run for run in in_parallel(lambda _: engine.claim()) if run]

    # The first consumer reads one sync, the second one all.
    pairs = Counter((run.sync_id, run.consumer_id) for run in Run.objects.all())
    assert len(claimed) == len(pairs) == SYNCS + 1 < USES
    assert set(pairs.values()) == {1}
    assert RunSlot.objects.count() == SYNCS + 1
