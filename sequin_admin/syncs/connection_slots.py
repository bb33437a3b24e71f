"""Slots for tests of targets: one at a time a target, two an organization, over all processes.

A slot is held until its test has ended, whoever still waits for it. That of a process that was
killed ends by itself, after the test's own process.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import models, transaction

from sequin_admin.access.models import Organization
from sequin_admin.core import leases
from sequin_admin.syncs import postgres
from sequin_admin.syncs.models import Target

MOST_PER_ORGANIZATION = 2
SLOT = timedelta(seconds=postgres.DEADLINE_S + postgres.START_S + 20)
POLL_S = 0.2


class TestsBusy(Exception):
    """No slot became free in time. `str()` says what to do."""

    __test__ = False


BUSY = (
    "This target is being tested already, or others of your organization are. Try again in a few "
    "seconds."
)


class WaitingRoom:
    """Bounds how many threads of this process wait for tests, in all and for one organization."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.inside = Counter[UUID]()
        self.lock = threading.Lock()

    @contextmanager
    def enter(self, organization: Organization) -> Iterator[None]:
        """Raises `TestsBusy` when there is no place."""
        with self.lock:
            full = self.inside.total() >= self.places
            if full or self.inside[organization.pk] >= MOST_PER_ORGANIZATION:
                raise TestsBusy(BUSY)
            self.inside[organization.pk] += 1
        try:
            yield
        finally:
            with self.lock:
                self.inside -= Counter([organization.pk])


@contextmanager
def slot(target: Target, *, wait_s: float) -> Iterator[None]:
    """Hold a slot for the target's test. Raises `TestsBusy` after `wait_s` seconds."""
    ends = time.monotonic() + wait_s
    while not take_slot(target):
        if time.monotonic() + POLL_S > ends:
            raise TestsBusy(BUSY)
        time.sleep(POLL_S)
    try:
        yield
    finally:
        leases.release(target)


@transaction.atomic
def take_slot(target: Target) -> bool:
    """Lease the target for its test. False while it, or too many others, are being tested."""
    # The row is locked, so that two processes do not count at the same moment.
    Organization.objects.select_for_update(no_key=True).get(pk=target.organization_id)
    tested = Target.objects.filter(leases.leased(), organization=target.organization_id)
    if tested.count() >= MOST_PER_ORGANIZATION:
        return False
    rows = Target.objects.filter(leases.unleased(), pk=target.pk).select_for_update()
    free = rows.only(*leases.LEASE_COLUMNS).first()
    if free is None:
        return False
    leases.take_locked([free], SLOT)
    leases.copy_lease(free, target)
    return True


def full_organizations() -> Any:
    """The ids of the organizations that have no free slot."""
    tested = Target.objects.filter(leases.leased()).values("organization")
    counted = tested.annotate(tests=models.Count("pk"))
    return counted.filter(tests__gte=MOST_PER_ORGANIZATION).values("organization")
