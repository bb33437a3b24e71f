"""Messages about changes of rows."""

from sequin_admin.audit.models import Event
from sequin_admin.credentials.models import Credential
from sequin_admin.notifications import events
from sequin_admin.notifications.models import Delivery
from tests.factories import make_credential


def test_of_many_changes_no_message_is_drafted_that_nobody_gets(
    organization, make_channel, monkeypatch
):
    drafted, draft = [], Credential.message_data
    monkeypatch.setattr(
        Credential,
        "message_data",
        lambda row, *told: drafted.append(row) or draft(row, *told),
    )
    rows = [make_credential(organization, kind) for kind in ("stripe_key", "sendgrid_key")]
    changes = [(row, "credential.updated", {}) for row in rows]
    make_channel(enabled=False)

    events.record_and_notify_many(organization, changes, None)
    assert drafted == []
    assert Event.objects.filter(action="credential.updated").count() == 2

    make_channel(name="on", min_severity="info", event_types=["credential.*"])
    events.record_and_notify_many(organization, changes, None)
    assert drafted == rows
    assert Delivery.objects.count() == 2


def test_a_change_that_nobody_can_subscribe_to_is_audited_only(organization, make_channel):
    make_channel(min_severity="info", event_types=["credential.*"])

    changes = [(make_credential(organization, "stripe_key"), "credential.verified", {})]
    events.record_and_notify_many(organization, changes, None)

    assert Event.objects.filter(action="credential.verified").exists()
    assert not Delivery.objects.exists()
