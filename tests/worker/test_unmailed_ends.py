"""What ends and can't be told of by mail: tried for a bounded time, seen, and written down."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from sequin_admin.access import endings, persons
from sequin_admin.access.models import Membership, Organization, OrganizationEnding, User
from sequin_admin.audit.models import Event
from sequin_admin.core import clock
from sequin_admin.health import worker_watch
from sequin_admin.health.models import WorkerProcess
from tests.conftest import make_member
from tests.worker.test_end_reminders import at, subjects

HOUR = timedelta(hours=1)


@pytest.fixture
def mail_server(monkeypatch):
    """`is_away` says whether it is; `refused` has the addresses that it does not know."""

    class MailServer:
        is_away = False
        refused = ()

    server, send = MailServer(), mail.EmailMessage.send

    def answer(message):
        if server.is_away or set(message.to) & {*server.refused}:
            raise OSError("away")
        return send(message)

    monkeypatch.setattr(mail.EmailMessage, "send", answer)
    return server


def ask(organization):
    return endings.ask(organization, actor=None).ends_at


def test_nothing_is_erased_before_a_server_that_is_back_has_mailed_owners(
    organization, user, monkeypatch, mail_server
):
    ends_at = ask(organization)
    mail_server.is_away = True
    for hours in (-23, 1, 48):
        with pytest.raises(endings.EndRefused, match="then it ends all the same"):
            at(monkeypatch, ends_at + hours * HOUR)
    waiting = OrganizationEnding.objects.get()
    assert (waiting.began_at, waiting.lease_owner) == (None, "")
    mail_server.is_away = False

    at(monkeypatch, ends_at + 50 * HOUR)

    assert len(subjects()) == 1
    waiting = OrganizationEnding.objects.get()
    assert (waiting.ends_at, waiting.unmailed_since) == (ends_at + 74 * HOUR, None)


@pytest.mark.parametrize("late", [timedelta(hours=-24), timedelta(days=30)], ids=["then", "late"])
def test_one_that_stays_away_delays_the_end_by_three_days(
    organization, user, monkeypatch, mail_server, late
):
    """From when it was first tried. Meanwhile pages say when it ends, and at last the record says
    who was not reminded."""
    first = ask(organization) + late
    mail_server.is_away = True
    said = []
    for hours in (0, 25, 95):
        with pytest.raises(endings.EndRefused):
            at(monkeypatch, first + hours * HOUR)
        said.append((Organization.objects.get(pk=organization.pk).ends_at - first) / HOUR)
    assert said == [24, 49, 96]
    assert OrganizationEnding.objects.get().began_at is None

    at(monkeypatch, first + 96 * HOUR)

    assert OrganizationEnding.objects.get().began_at
    unmailed = {"mailed": 0, "not_mailed": [str(user.pk)]}
    event = Event.objects.get(action="organization.end_not_reminded")
    assert event.details.items() >= unmailed.items()
    for hours in range(120, 160):
        at(monkeypatch, first + hours * HOUR)
    assert Event.objects.get(action="organization.erased").details["reminders"] == unmailed


def test_an_owner_without_an_address_keeps_nothing(organization, user, monkeypatch, mail_server):
    """By asking and by the reminder, whoever can be mailed is."""
    silent = make_member(organization, "gurney@arrakis.test", "owner")
    User.objects.filter(pk=silent.pk).update(email="")
    broken = make_member(organization, "duncan@arrakis.test", "owner")
    User.objects.filter(pk=broken.pk).update(email="duncan@@arrakis\n.test")
    mail_server.refused = [make_member(organization, "yueh@arrakis.test", "owner").email]

    ends_at = ask(organization)
    at(monkeypatch, ends_at - HOUR)

    assert [message.to for message in mail.outbox] == [[user.email]] * 2
    missed = {str(pk) for pk in Membership.objects.values_list("user", flat=True)} - {str(user.pk)}
    for action in ("organization.end_asked", "organization.end_reminded"):
        assert {*Event.objects.get(action=action).details["not_mailed"]} == missed


def test_one_without_an_owner_ends_on_its_day(organization, user, monkeypatch, mail_server):
    Membership.objects.all().delete()
    ends_at = ask(organization)
    mail_server.is_away = True

    at(monkeypatch, ends_at - HOUR)
    at(monkeypatch, OrganizationEnding.objects.get().ends_at)

    assert OrganizationEnding.objects.get().began_at
    assert OrganizationEnding.objects.get().reminders == {"mailed": 0, "not_mailed": []}


def test_it_is_asked_for_only_when_an_owner_was_mailed(organization, user, mail_server):
    """Else whoever has stolen a session ends it unseen."""
    mail_server.is_away = True

    with pytest.raises(endings.EndRefused, match="check its mail settings"):
        ask(organization)

    assert not OrganizationEnding.objects.exists()


def test_while_owners_cannot_be_mailed_the_installation_has_an_incident(
    organization, user, client, monkeypatch, mail_server, settings
):
    settings.METRICS_TOKEN = "right"
    WorkerProcess.objects.create(hostname="arrakis", pid=7, threads=8)
    ends_at, now = ask(organization), clock.now()
    client.force_login(user)
    mail_server.is_away = True

    def seen():
        worker_watch.WorkerWatch().look(now)
        page = Client().get("/metrics", headers={"Authorization": "Bearer right"}).content
        told = b"could not be mailed since" in client.get(reverse("dashboard:worker")).content
        metric = b'sequin_admin_service_incidents{code="owners_unmailed"} %d.0' % told
        return told, metric in page

    assert seen() == (False, True)
    with monkeypatch.context() as then, pytest.raises(endings.EndRefused):
        at(then, ends_at - HOUR)
    assert seen() == (True, True)
    mail_server.is_away = False
    OrganizationEnding.objects.update(due_at=now - HOUR)
    with monkeypatch.context() as then:
        at(then, ends_at)
    assert seen() == (False, True)


def test_a_person_is_erased_without_a_mail(organization, user, mail_server):
    make_member(organization, "gurney@arrakis.test", "owner")
    mail_server.is_away = True

    persons.erase(user, actor=user)

    assert not User.objects.filter(pk=user.pk).exists()
