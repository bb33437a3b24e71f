"""What grows is deleted in batches: however much is old, no transaction is long."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.access import idempotency, keys
from sequin_admin.access.models import IdempotencyRecord, Scope
from sequin_admin.connect import authorization_requests, batches, flow, links
from sequin_admin.connect.models import (
    AuthorizationRequest,
    Batch,
    BatchAction,
    BatchItem,
    ConnectLink,
    ConnectSession,
)
from sequin_admin.core import clock, pruning, shared_cache, shutdown
from sequin_admin.core.models import CacheEntry
from sequin_admin.health import incidents
from sequin_admin.health.models import Incident, Transition
from sequin_admin.limits import sampling
from sequin_admin.limits.models import Sample, SamplePeriod
from sequin_admin.notifications import outbox
from sequin_admin.notifications.models import Delivery, DeliveryState
from sequin_admin.syncs import syncs
from sequin_admin.syncs.models import Run
from sequin_admin.syncs.runs import run_pruning
from sequin_admin.tokens import chains
from sequin_admin.tokens.models import ChainDigest
from tests.factories import make_credential, make_oauth_app

OLD = 5
pytestmark = pytest.mark.django_db


@pytest.fixture
def long_ago():
    return clock.now() - timedelta(days=100)


def samples(organization, user, at):
    row = make_credential(organization, "stripe_key")
    for number in range(OLD):
        begun = at + timedelta(hours=number)
        yield Sample(credential=row, span=SamplePeriod.HOUR, at=begun)


def connect_sessions(organization, user, at):
    for number in range(OLD):
        yield ConnectSession(organization=organization, state_digest=number, expires_at=at)


def requests_without_a_code(organization, user, at):
    app = make_oauth_app(organization, "hubspot")
    for number in range(OLD):
        yield AuthorizationRequest(
            organization=organization,
            redirect_app=app,
            token_digest=number,
            created_at=at,
            expires_at=at,
        )


def requests_with_an_old_code(organization, user, at):
    for number, row in enumerate(requests_without_a_code(organization, user, at)):
        row.created_at, row.code_digest, row.code_expires_at = clock.now(), number, at
        yield row


def connect_links(organization, user, at):
    for number in range(OLD):
        yield ConnectLink(organization=organization, kinds=[], token_digest=number, expires_at=at)


def items_of_batches(organization, user, at):
    batch = Batch.objects.create(
        organization=organization, action=BatchAction.LIMIT, created_at=at, finished_at=at
    )
    for number in range(OLD):
        row = make_credential(organization, "stripe_key", identity=f"acct_{number}")
        yield BatchItem(batch=batch, credential=row)


def finished_batches(organization, user, at):
    for _ in range(OLD):
        yield Batch(
            organization=organization, action=BatchAction.LIMIT, created_at=at, finished_at=at
        )


def chain_digests(organization, user, at):
    row = make_credential(organization, "hubspot_oauth2")
    for number in range(OLD):
        yield ChainDigest(credential=row, digest=number, issued_at=at)


def deliveries(organization, user, at):
    for _ in range(OLD):
        yield Delivery(
            organization=organization,
            severity="info",
            notice={},
            state=DeliveryState.DELIVERED,
            created_at=at,
        )


def transitions(organization, user, at):
    for _ in range(OLD):
        yield Transition(organization=organization, entity_id=organization.pk, at=at)


def over_incidents(organization, user, at):
    for _ in range(OLD):
        yield Incident(organization=organization, entity_id=organization.pk, resolved_at=at)


def runs_of_syncs(organization, user, at):
    sync = syncs.create(make_credential(organization, "stripe_key"), actor=user, name="Invoices")
    for _ in range(OLD):
        yield Run(organization=organization, sync=sync, status="failed", ended_at=at)


def runs_that_moved_nothing(organization, user, at):
    for row in runs_of_syncs(organization, user, clock.now() - timedelta(hours=25)):
        row.status = "succeeded"
        yield row


def idempotency_records(organization, user, at):
    key, _ = keys.create(organization, name="Key", scopes=[Scope.READ], actor=user)
    for number in range(OLD):
        yield IdempotencyRecord(organization=organization, api_key=key, name=number, created_at=at)


def cache_entries(organization, user, at):
    for number in range(OLD):
        yield CacheEntry(key=number, value=1, expires_at=at)


def login_sessions(organization, user, at):
    for number in range(OLD):
        yield Session(session_key=number, expire_date=at)


GROWING = (
    (samples, sampling.prune),
    (connect_sessions, flow.prune),
    (requests_without_a_code, authorization_requests.prune),
    (requests_with_an_old_code, authorization_requests.prune),
    (connect_links, links.prune),
    (items_of_batches, batches.prune),
    (finished_batches, batches.prune),
    (chain_digests, chains.prune),
    (deliveries, outbox.prune),
    (transitions, incidents.prune),
    (over_incidents, incidents.prune),
    (runs_of_syncs, run_pruning.prune),
    (runs_that_moved_nothing, run_pruning.prune),
    (idempotency_records, idempotency.prune_records),
    (cache_entries, shared_cache.prune),
    (login_sessions, lambda: call_command("clearsessions")),
)


@pytest.mark.parametrize(("make", "prune"), GROWING, ids=lambda each: each.__name__)
def test_old_rows_go_in_batches_by_an_index(organization, user, long_ago, monkeypatch, make, prune):
    monkeypatch.setattr(pruning, "BATCH_SIZE", 2)
    rows = list(make(organization, user, long_ago))
    model = type(rows[0])
    model._base_manager.bulk_create(rows)

    with CaptureQueriesContext(connection) as statements:
        prune()

    deleted = f'DELETE FROM "{model._meta.db_table}"'
    assert sum(each["sql"].startswith(deleted) for each in statements) >= OLD / 2
    assert not model._base_manager.exists()


def test_of_young_runs_those_that_moved_something_stay(organization, user):
    Run.objects.bulk_create(runs_that_moved_nothing(organization, user, None))
    moved, idle, failed, *_ = Run.objects.order_by("pk")
    Run.objects.filter(pk=moved.pk).update(rows_deleted=1)
    Run.objects.filter(pk=idle.pk).update(ended_at=clock.now())
    Run.objects.filter(pk=failed.pk).update(status="failed")

    run_pruning.prune()

    assert {run.pk for run in Run.objects.all()} == {moved.pk, idle.pk, failed.pk}


def test_a_slow_batch_is_followed_by_half_as_many_rows(organization, user, long_ago, monkeypatch):
    """Each is slow: of five rows go two, then one at a time."""
    monkeypatch.setattr(pruning, "BATCH_SIZE", 2)
    monkeypatch.setattr(pruning, "SLOW_S", 0)
    Transition.objects.bulk_create(transitions(organization, user, long_ago))

    with CaptureQueriesContext(connection) as statements:
        incidents.prune()

    deleted = f'DELETE FROM "{Transition._meta.db_table}"'
    assert sum(each["sql"].startswith(deleted) for each in statements) == OLD - 1
    assert not Transition.objects.exists()


def test_a_quick_batch_is_followed_by_more_rows_again():
    sizes = [500]
    for took_s in (0.3, 0.3, 0.1, 0.01, 0.01, 0.01):
        sizes.append(pruning.next_size(sizes[-1], took_s))

    assert sizes == [500, 250, 125, 125, 250, 500, 500]


def test_how_long_history_is_kept_is_a_setting(organization, user, long_ago, settings):
    Transition.objects.bulk_create(transitions(organization, user, long_ago))
    settings.KEEP_HISTORY_DAYS = 101
    assert incidents.prune() == 0

    settings.KEEP_HISTORY_DAYS = 99
    assert incidents.prune() == OLD


def test_a_process_that_is_to_end_leaves_the_rest(organization, user, long_ago, monkeypatch):
    Transition.objects.bulk_create(transitions(organization, user, long_ago))
    monkeypatch.setattr(shutdown, "_requested", True)

    assert incidents.prune() == 0
    assert Transition.objects.count() == OLD
