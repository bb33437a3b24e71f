"""Syncs and consumers: rules, reports, and protection from deletion."""

import pytest
from django.core.exceptions import ValidationError

from sequin_admin.audit.models import Event
from sequin_admin.connect import credential_operations
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.usage import InUse
from sequin_admin.limits.models import set_limit
from sequin_admin.syncs import consumers, reports, syncs
from sequin_admin.syncs.models import Sync
from sequin_admin.syncs.reports import ReportedError


def test_its_provider_is_the_credentials(sync):
    assert (sync.provider, sync.status) == ("stripe", "active")


@pytest.mark.parametrize(
    ("columns", "field", "said"),
    [
        ({"collection_ids": ["hubspot:contact"]}, "collection_ids", "another provider"),
        ({"collection_ids": ["invoice"]}, "collection_ids", "stripe:name"),
        ({"sync_frequency": "4 hours"}, "sync_frequency", "4h every 4 hours"),
        ({"sync_frequency": "0h"}, "sync_frequency", "continuous"),
        (
            {"rate_limit": {"allowed_requests": 0, "interval": 1000}},
            "rate_limit.allowed_requests",
            "Allow at least 1 request",
        ),
        (
            {"rate_limit": {"allowed_requests": 5, "interval": 60}},
            "rate_limit.interval",
            "milliseconds",
        ),
        (
            {"rate_limit": {"allowed_requests": 11, "interval": 1000}},
            "rate_limit.allowed_requests",
            "narrow",
        ),
    ],
)
def test_what_can_not_be_is_said_in_a_sentence(credential, columns, field, said):
    set_limit(
        credential,
        Rate(allowed_requests=10, interval=1000, max_concurrent_requests=2),
        actor=None,
    )
    if "rate_limit" in columns:
        columns["rate_limit"]["max_concurrent_requests"] = 1

    with pytest.raises(ValidationError, match=said) as raised:
        syncs.create(credential, actor=None, name="x", **columns)

    assert list(raised.value.message_dict) == [field]
    assert not Sync.objects.exists()


def test_a_narrower_limit_is_taken(credential):
    rate = {"allowed_requests": 1, "interval": 60_000, "max_concurrent_requests": 1}

    assert syncs.create(credential, actor=None, name="x", rate_limit=rate).rate_limit == rate


def test_a_credential_in_use_is_not_deleted_and_keeps_its_access(sync, credential, monkeypatch):
    monkeypatch.setattr(
        credential_operations, "revoke_access", lambda credential: pytest.fail("given back")
    )

    with pytest.raises(InUse, match="Arrakis is used by 1 sync: Invoices"):
        credential_operations.delete(credential, actor=None)

    assert Credential.objects.filter(pk=credential.pk).exists()


def test_a_sync_that_a_consumer_names_is_not_deleted(sync, consumer, user):
    with pytest.raises(InUse, match="To the warehouse"):
        syncs.delete(sync, actor=user)

    consumers.update(consumer, actor=user, all_syncs=True)
    syncs.delete(sync, actor=user)


def test_many_users_are_counted_and_the_first_ones_named(credential):
    for number in range(7):
        syncs.create(credential, actor=None, name=f"Sync {number}")

    with pytest.raises(InUse, match=r"7 syncs: Sync 0, .*Sync 4 and 2 more"):
        credential_operations.delete(credential, actor=None)


def test_disabling_and_enabling_are_audited_once_each(sync, user):
    for status in ("disabled", "disabled", "active"):
        syncs.set_status(sync, status, actor=user)

    about = Event.objects.about(sync).values_list("action", flat=True)
    assert sorted(about) == ["sync.created", "sync.disabled", "sync.enabled"]


def test_a_badge_is_secret_until_published_and_never_comes_back(sync, user):
    assert sync.badge_token is None

    syncs.publish_badge(sync, actor=user)
    first = sync.badge_token
    syncs.unpublish_badge(sync, actor=user)
    syncs.publish_badge(sync, actor=user)

    assert len(first) == 43
    assert sync.badge_token != first


def test_a_consumer_of_all_syncs_names_none(consumer, sync):
    assert consumer.sync_ids() == [str(sync.pk)]

    consumers.update(consumer, actor=None, all_syncs=True)

    assert consumer.sync_ids() == ["*"]
    assert not consumer.syncs.exists()


def test_reports_add_up_and_say_that_it_works(sync):
    reports.record_report(sync, rows=10, lag_s=2.5)
    reports.record_report(sync, rows=5)

    sync.refresh_from_db()
    assert (sync.rows_total, sync.lag_s, sync.health_status) == (15, 2.5, "healthy")
    assert sync.last_report_at


@pytest.mark.parametrize(
    ("owner", "status"),
    [
        ("customer", "customer_intervention"),
        ("operator", "sequin_intervention"),
        ("nobody", "healthy"),
    ],
)
def test_an_error_is_its_owners(sync, owner, status):
    reports.record_report(sync)
    reports.record_report(
        sync, trouble=ReportedError(owner, "broken", "It broke: password=hunter2000")
    )

    sync.refresh_from_db()
    assert sync.health_status == status
    assert "It broke" in sync.health_note
    assert "hunter2000" not in sync.health_note
