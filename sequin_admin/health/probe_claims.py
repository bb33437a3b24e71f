"""Which credentials a worker probes next: providers and organizations take turns."""

import uuid
from collections.abc import Sequence
from copy import copy
from datetime import timedelta

from django.db import models, transaction

from sequin_admin.access import endings
from sequin_admin.core import clock, leases, turns
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.core.turns import Turns
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens import endpoints
from sequin_admin.tokens.endpoints import CallRoom, Capacity
from sequin_admin.tokens.models import Purpose, SilentEndpoint

CLAIM = timedelta(minutes=2)
TURNS = Turns()


def claim_due(limit: int, capacity: Capacity = Capacity()) -> list[Credential]:  # noqa: B008 - frozen
    """Lease up to `limit` credentials that are due, as `capacity` allows, and move their due time
    to the lease's end: one that is earlier after the probe was asked for meanwhile.

    The organizations take turns; of each queue the oldest come first.
    """
    ending = endings.list_ending()
    due = endings.without_ending(Credential.objects.check_due(), ending).filter(leases.unleased())
    silent = endpoints.list_silent(Purpose.PROBE)
    taken = claim_trials(due, silent, limit, capacity)
    room = CallRoom(capacity, silent, count_calls())
    answering = due.exclude(room.silent_hosts()) if silent else due

    closed = [*room.closed_queues(), *endings.closed_queues(ending)]

    @transaction.atomic
    def take(queues: Sequence[str], most: int) -> list[Credential]:
        shares = TURNS.share_out(queues, most, room.take)
        return take_leases(turns.lock_shares(answering, shares))

    claimed = TURNS.claim(answering, limit - len(taken), take, closed)
    return taken + with_own_apps(claimed)


def claim_trials(
    due: models.QuerySet[Credential],
    silent: Sequence[SilentEndpoint],
    limit: int,
    capacity: Capacity,
) -> list[Credential]:
    """One credential for each host that does not answer and is not being tried."""
    if not silent:
        return []
    locked: list[Credential] = []
    with transaction.atomic():
        for endpoint in endpoints.due_trials(silent, capacity)[:limit]:
            rows = due.filter(endpoint.accounts())
            if rows.exists() and endpoints.start_trial(endpoint):
                rows = rows.select_related("oauth_app")
                locked += rows.select_for_update(skip_locked=True, of=("self",), no_key=True)[:1]
        return take_leases(locked)


def with_own_apps(rows: list[Credential]) -> list[Credential]:
    """Load their OAuth apps, one object for each row: threads must not share one."""
    models.prefetch_related_objects(rows, "oauth_app")
    taken = set[uuid.UUID]()
    for row in rows:
        if row.oauth_app_id in taken:
            row.oauth_app = copy(row.oauth_app)
        elif row.oauth_app_id:
            taken.add(row.oauth_app_id)
    return rows


def take_leases(locked: Sequence[Credential]) -> list[Credential]:
    until = clock.now() + CLAIM
    rows = leases.take_locked(locked, CLAIM, check_due_at=until)
    for row in rows:
        row.check_due_at = until
    return rows


def count_calls() -> dict[str, tuple[int, int]]:
    slow = models.Q(lease_until__lt=DatabaseTime(CLAIM - endpoints.SLOW))
    return endpoints.count_calls(Credential.objects.filter(leases.leased()), slow)
