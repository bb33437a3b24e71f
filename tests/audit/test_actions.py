"""Each action of the log is one that a test has seen written."""

import ast
import json
from io import StringIO

import pytest
from django.core.management import call_command

from sequin_admin.audit.models import Event
from sequin_admin.connect import batches
from sequin_admin.connect.mails import allowance, texts
from sequin_admin.connect.models import Batch, BatchAction
from sequin_admin.core.env import ROOT
from sequin_admin.credentials import gateway_secrets
from sequin_admin.credentials.models import Credential
from sequin_admin.health import outages
from sequin_admin.notifications import channels
from sequin_admin.syncs import catalogue, consumers, syncs
from tests.factories import make_credential, make_oauth_app, make_synced

WRITERS = {"record_change", "record_changes", "build_event", "record_repeatable", "Event"}


def written_by(actor):
    """What the actor did, in order."""
    rows = Event.objects.filter(actor_id=str(actor.pk)).order_by("id")
    return [*rows.values_list("action", flat=True)]


@pytest.fixture
def credential(organization):
    return make_credential(organization, "stripe_key")


def test_the_life_of_a_sync_and_its_consumer(credential, organization, user):
    sync, target, first = make_synced(credential)
    consumer = consumers.create(organization, actor=user, name="A", target=target, syncs=[sync])

    consumers.update(consumer, actor=user, name="B")
    consumers.update(consumer, actor=user, name="B")
    syncs.update(sync, actor=user, name="Bills")
    syncs.publish_badge(sync, actor=user)
    syncs.unpublish_badge(sync, actor=user)
    catalogue.start_refresh(credential, actor=user)
    for each in (first, consumer):
        consumers.delete(each, actor=user)
    syncs.delete(sync, actor=user)

    assert written_by(user) == [
        "consumer.created",
        "consumer.changed",
        "sync.changed",
        "sync.badge_published",
        "sync.badge_withdrawn",
        "credential.collections_refresh_started",
        "consumer.deleted",
        "consumer.deleted",
        "sync.deleted",
    ]


def test_a_batch_its_mails_and_what_they_say(credential, organization, user):
    allowance.save_mail_settings(organization, most_a_day=5, remind_hours=2, actor=user)
    text = {"subject": "Please connect", "text": "Open {link}"}
    texts.save_template(organization, "connect", "en", **text, actor=user)
    texts.remove_template(organization, "connect", "en", actor=user)
    batch = batches.start(
        organization,
        Credential.objects.all(),
        BatchAction.RECONNECT,
        actor=user,
        options={"days": 1},
    )
    Batch.objects.update(finished_at=batch.created_at)
    batches.request_mails(batch, mail={**text, "remind_hours": 0}, actor=user)
    batches.withdraw(batch, actor=user)
    batches.withdraw(batch, actor=user)

    assert written_by(user) == [
        "mail_settings.changed",
        "mail_template.changed",
        "mail_template.removed",
        "batch.started",
        "batch.mails_requested",
        "batch.withdrawn",
    ]


def test_secrets_that_are_made_again_and_an_outage(organization, user, make_channel):
    app = make_oauth_app(organization, "hubspot")
    for _ in range(2):
        gateway_secrets.rotate(app, actor=user)
    channels.rotate(make_channel(), actor=user)
    outages.declare("stripe", actor=user)
    call_command("rotate_audit_key", stdout=StringIO())

    assert written_by(user) == [
        "oauth_app.gateway_secret_made",
        "oauth_app.gateway_secret_rotated",
        "channel.rotated",
        "outage.declared",
    ]
    assert Event.objects.get(action="audit_log.key_rotated").actor == "Sequin Admin"


def asked_for(path):
    """The texts of a test file, without those of events that it writes itself."""
    nodes = [*ast.walk(ast.parse(path.read_text()))]
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    writing = [c for c in calls if getattr(c.func, "id", getattr(c.func, "attr", "")) in WRITERS]
    own = {id(node) for call in writing for node in ast.walk(call)}
    texts = [n for n in nodes if isinstance(n, ast.Constant) and id(n) not in own]
    return {node.value for node in texts if isinstance(node.value, str)}


def test_each_action_is_asked_for_by_a_test():
    names = json.loads((ROOT / "tests/published_names.json").read_text())["audit_actions"]
    asked = set().union(*(asked_for(path) for path in (ROOT / "tests").rglob("test_*.py")))

    assert len(names) > 130
    assert {*names} - asked == set()
