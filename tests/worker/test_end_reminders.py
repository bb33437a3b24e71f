"""Owners are mailed once more a day before their organization is erased."""

from dataclasses import replace
from datetime import datetime, timedelta
from io import StringIO
from smtplib import SMTPRecipientsRefused

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from sequin_admin.access import configuration, endings, keys, staff_organization_verbs
from sequin_admin.access.models import OrganizationEnding, User
from sequin_admin.audit.models import Event
from sequin_admin.core import clock
from sequin_admin.core.actors import Actor
from sequin_admin.worker import endings as worker_endings
from tests.conftest import confirm_login, make_member


def at(monkeypatch, moment):
    """Let it be then, for us and for the jobs' due times."""
    monkeypatch.setattr(clock, "now", lambda: moment)
    waiting = OrganizationEnding.objects.filter(due_at__lte=moment)
    waiting.update(due_at=moment - timedelta(days=1000))
    for ending in worker_endings.claim_due(9):
        worker_endings.end_claimed(ending)


def subjects():
    return [message.subject for message in mail.outbox if "erased soon" in message.subject]


def ask_on_the_page(organization, user):
    client = Client()
    client.force_login(user)
    confirm_login(client)
    client.post(reverse("dashboard:organization_end"), {"name": "Arrakis"})


def ask_as_staff(organization, user):
    staff = User.objects.create(username="staff", email="staff@sequin.test", is_superuser=True)
    given = {"reason": "asked by mail"}
    staff_organization_verbs.end_organization(Actor.of(staff), organization, given)


@pytest.mark.parametrize(
    "ask",
    [
        ask_on_the_page,
        lambda organization, user: call_command("end_organization", "arrakis", stdout=StringIO()),
        ask_as_staff,
    ],
    ids=["page", "command", "staff"],
)
def test_owners_are_reminded_once_the_day_before(organization, user, monkeypatch, ask):
    second = make_member(organization, "gurney@arrakis.test", "owner")
    make_member(organization, "yueh@arrakis.test", "admin")
    ask(organization, user)
    ends_at = OrganizationEnding.objects.get().ends_at
    at(monkeypatch, ends_at - timedelta(hours=25))
    assert subjects() == []

    for hours in (24.1, 22, 1):
        at(monkeypatch, ends_at - timedelta(hours=hours))

    assert subjects() == ["Arrakis will be erased soon"] * 2
    assert OrganizationEnding.objects.get().ends_at == ends_at
    told = {message.to[0] for message in mail.outbox if "erased soon" in message.subject}
    assert told == {user.email, second.email}
    assert reverse("dashboard:organization") in mail.outbox[-1].body
    event = Event.objects.get(action="organization.end_reminded")
    assert (event.organization_id, event.details["ends_at"]) == (
        organization.pk,
        ends_at.isoformat(),
    )
    assert endings.is_ending(organization)
    at(monkeypatch, ends_at + timedelta(seconds=1))
    assert OrganizationEnding.objects.get().began_at


@pytest.mark.parametrize("late", [timedelta(hours=-5), timedelta(days=9)], ids=["near", "after"])
def test_a_reminder_that_no_worker_sent_gives_the_owners_a_whole_day(
    organization, user, monkeypatch, late
):
    """Down on that day, or until long after the end."""
    _, token = keys.create(organization, name="k", scopes=["read"], actor=user)
    endings.ask(organization, actor=user)
    came_back = OrganizationEnding.objects.get().ends_at + late

    at(monkeypatch, came_back)

    told, moved = mail.outbox[-1], OrganizationEnding.objects.get()
    assert (moved.ends_at, moved.began_at) == (came_back + endings.REMINDED_BEFORE, None)
    organization.refresh_from_db()
    assert organization.ends_at == moved.ends_at
    assert f"{moved.ends_at:%-d %b %Y, %H:%M} UTC" in told.body
    asked = Client().get("/v1/organization", headers={"Authorization": f"Bearer {token}"})
    assert datetime.fromisoformat(asked.json()["ends_at"]) == moved.ends_at.replace(microsecond=0)
    event = Event.objects.get(action="organization.end_reminded")
    assert event.details["ends_at"] == moved.ends_at.isoformat()
    at(monkeypatch, moved.ends_at - timedelta(seconds=1))
    assert OrganizationEnding.objects.get().began_at is None
    at(monkeypatch, moved.ends_at + timedelta(seconds=1))
    assert OrganizationEnding.objects.get().began_at
    assert len(subjects()) == 1


def test_who_undoes_it_while_the_reminder_is_mailed_keeps_it(organization, user, monkeypatch):
    """An end that was moved does not come back."""
    endings.ask(organization, actor=user)
    ends_at = OrganizationEnding.objects.get().ends_at
    send = mail.EmailMessage.send

    def undoing(message):
        if "erased soon" in message.subject:
            endings.undo(organization, actor=user)
        return send(message)

    monkeypatch.setattr(mail.EmailMessage, "send", undoing)
    at(monkeypatch, ends_at)

    organization.refresh_from_db()
    assert organization.ends_at is None
    assert not Event.objects.filter(action="organization.end_reminded").exists()


def test_an_owner_whose_address_is_refused_brings_the_others_no_second_mail(
    organization, user, monkeypatch
):
    gone = make_member(organization, "gurney@arrakis.test", "owner").email
    make_member(organization, "stilgar@arrakis.test", "owner")
    endings.ask(organization, actor=user)
    ends_at = OrganizationEnding.objects.get().ends_at
    send = mail.EmailMessage.send

    def refusing(message):
        if message.to == [gone]:
            raise SMTPRecipientsRefused({gone: (550, b"No such mailbox")})
        return send(message)

    monkeypatch.setattr(mail.EmailMessage, "send", refusing)
    for hours in (23, 22, 21):
        at(monkeypatch, ends_at - timedelta(hours=hours))

    assert len(subjects()) == 2
    assert Event.objects.filter(action="organization.end_reminded").count() == 1


def test_who_undid_it_or_waits_for_a_day_only_is_not_reminded(organization, user, monkeypatch):
    endings.ask(organization, actor=user)
    ends_at = OrganizationEnding.objects.get().ends_at
    endings.undo(organization, actor=user)
    at(monkeypatch, ends_at - timedelta(hours=1))
    day = replace(configuration.CONFIGURATION, wait=timedelta(days=1))
    monkeypatch.setattr(configuration, "CONFIGURATION", day)
    endings.ask(organization, actor=user)
    at(monkeypatch, OrganizationEnding.objects.get().ends_at - timedelta(hours=1))

    assert subjects() == []
