"""What fails while it tells, has told nothing: it is told later, and once."""

from datetime import timedelta

import pytest

from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import Credential
from sequin_admin.health import alerts, probes
from sequin_admin.health.models import REOPEN_WITHIN, Cause, Incident
from sequin_admin.notifications import outbox
from sequin_admin.notifications.models import Channel, Delivery
from tests.due_work import notify
from tests.factories import make_credential
from tests.health.test_causes import REVOKED

TYPES = ("incident.opened", "cause.opened", "incident.resolved", "cause.resolved")


@pytest.fixture
def row(organization, hours):
    Channel.objects.create(
        organization=organization,
        kind="webhook",
        name="Hook",
        address="https://hooks.arrakis.test/",
        event_types=["incident.*", "cause.*"],
        min_severity="info",
    )
    return make_credential(organization, "stripe_key")


@pytest.fixture
def dies(monkeypatch):
    """Do it in a worker that dies when it has posted its messages, and is not heard of again."""

    def die(act):
        post_all = outbox.post_all

        def post_and_die(*args):
            post_all(*args)
            raise RuntimeError("Killed.")

        with monkeypatch.context() as patched:
            patched.setattr(outbox, "post_all", post_and_die)
            with pytest.raises(RuntimeError):
                act()

    return die


@pytest.fixture
def probe(monkeypatch, row):
    """Probe the row, as the worker does, with this outcome."""

    def verify(outcome):
        monkeypatch.setattr(type(row), "probe", lambda *_: outcome)
        probes.verify(Credential.objects.get(pk=row.pk))

    return verify


def told():
    return list(Delivery.objects.order_by("pk").values_list("type", flat=True))


def test_each_message_is_posted_with_what_it_is_about(probe, hours, dies):
    dies(lambda: probe(REVOKED))
    assert (told(), Incident.objects.count(), Cause.objects.count()) == ([], 0, 0)
    probe(REVOKED)
    assert told() == [*TYPES[:1]]

    dies(notify)
    assert told() == [*TYPES[:1]]
    notify()
    notify()
    assert told() == [*TYPES[:2]]

    probe(outcomes.works())
    hours.pass_by(REOPEN_WITHIN + timedelta(minutes=1))
    for tell in (alerts.notify_resolved, notify):
        dies(tell)
        assert told() == [*TYPES[:2]]
    notify()
    notify()
    assert sorted(told()) == sorted(TYPES)
