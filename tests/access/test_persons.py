"""A person downloads what is stored about them, and is erased, from the sealed log as well."""

import json
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import IntegrityError, models, transaction
from django.test import Client
from django.urls import reverse

from sequin_admin.access import calendar_feeds, invitations, members, persons
from sequin_admin.access.account_log import record_account_change
from sequin_admin.access.models import Invitation, Membership, User
from sequin_admin.access.person_columns import STORED
from sequin_admin.audit import redaction, sealing
from sequin_admin.audit.models import Event, record_change
from sequin_admin.audit.repeats import record_repeatable
from sequin_admin.audit.tables import Redaction, RepeatedEvent
from sequin_admin.core import clock
from sequin_admin.core.actors import Actor
from sequin_admin.core.owned_rows import find_owned
from tests.conftest import confirm_login, make_member
from tests.dashboard.conftest import age_login
from tests.database_rows import iterate_rows

pytestmark = pytest.mark.django_db
# Rows that a person has caused, which are an organization's: they stay without the person.
OF_AN_ORGANIZATION = {
    *("ConnectSession", "LinkMail", "Cause", "CauseNote", "Outage", "ConnectLink", "Batch"),
    "ConnectLinkText",
    *("BatchItem", "Channel", "Quota", "IdempotencyRecord"),
}
# They go with the account, and say nothing more than it.
OF_THE_ACCOUNT = {
    *("EmailConfirmation", "LogEntry", "User_user_permissions", "User_groups", "TourVisit"),
    *("SocialToken", "ExportPart"),
}
NAME = "duncan@arrakis.test"


@pytest.fixture
def duncan(organization, user):
    return make_member(organization, NAME, "owner")


def redact():
    """As the worker's job, until nothing is left to do."""
    for _ in range(20):
        Redaction.objects.update(due_at=clock.now())
        for row in redaction.claim_due(9):
            redaction.redact_claimed(row)


def broken():
    from tests.audit.test_attacks import find_broken

    return find_broken()


def traces(name):
    return [row for row in iterate_rows(set()) if name.lower() in row.lower()]


def test_all_that_is_stored_is_in_the_download(client, organization, duncan):
    calendar_feeds.make_feed(Membership.objects.get(user=duncan), actor=duncan)
    record_change(organization, "test.done", duncan)
    client.force_login(duncan)
    age_login(client)
    assert client.get(reverse("account_download")).status_code == 302
    confirm_login(client)

    answer = client.get(reverse("account_download"))

    found = json.loads(answer.content)
    assert found["account"]["email"] == NAME
    assert [row["organization__name"] for row in found["memberships"]] == ["Arrakis"]
    assert found["calendar_feeds"]
    assert "test.done" in {row["action"] for row in found["events"]}
    assert "password" not in answer.content.decode().replace('"method": "password"', "")
    listed = {rows(duncan).model._meta.object_name for rows, _ in STORED.values()}
    owned = {model._meta.object_name for model in find_owned(User)}
    assert owned - listed == OF_AN_ORGANIZATION | OF_THE_ACCOUNT


def test_a_person_is_erased_from_the_sealed_log_too(client, organization, user, duncan):
    invitations.create(organization, "somebody@arrakis.test", "viewer", actor=duncan)
    members.change_role(Membership.objects.get(user=duncan), "admin", actor=user)
    away = Actor(duncan, address="203.0.113.9", user_agent="Ornithopter")
    record_change(organization, "test.done", away, told=f"mail {NAME.upper()}, x{NAME}")
    record_repeatable(organization, "test.denied", away, organization_id=organization.pk)
    # A failed login has no actor; a session says where it was; addresses were others before.
    nobody = Actor(address="203.0.113.9", user_agent="Ornithopter", unknown=True)
    record_account_change(duncan, "user.login_failed", nobody)
    record_account_change(duncan, "user.session_ended", away, ended_browser="Ornithopter")
    duncan.email = "idaho@caladan.test"
    record_change(organization, "test.done_before", duncan)
    duncan.email = NAME
    record_account_change(duncan, "user.address_changed", away, before="idaho@caladan.test")
    sealing.seal_committed()
    record_change(organization, "test.unsealed", duncan)
    client.force_login(duncan)
    confirm_login(client)
    page = reverse("account_data")
    assert client.post(page, {"address": "x"}).status_code == 422
    before = Event.objects.count()

    assert client.post(page, {"address": NAME}).status_code == 302
    assert client.get("/credentials/").status_code == 302
    redact()

    sealing.seal_committed()
    left = traces(NAME)
    assert [row for row in left if "xduncan@" not in row] == []
    assert [traces(each) for each in ("Ornithopter", "203.0.113.9", "idaho@")] == [[], [], []]
    assert Event.objects.count() == before + 1
    done = Event.objects.get(action="test.done")
    assert done.actor.startswith("erased person ")
    assert done.details["told"] == f"mail {done.actor}, x{NAME}"
    assert {done.address, done.user_agent} == {""}
    assert RepeatedEvent.objects.get().columns["actor"] == done.actor
    assert broken() == []


def test_an_address_that_was_never_proven_is_nobodys_to_erase(organization, user, duncan):
    """Otherwise who asks for a change to it takes another person's name out of the logs."""
    invited, _ = invitations.create(organization, "chani@arrakis.test", "viewer", actor=user)
    for address in (user.email, invited.email):
        EmailAddress.objects.create(user=duncan, email=address, verified=False)
    # Nor is a word, which the first superuser may have for a name.
    User.objects.filter(pk=duncan.pk).update(username="admin")
    told = record_change(organization, "test.done", user, role="admin")

    persons.erase(duncan, actor=None)
    redact()

    sent = Event.objects.get(action="invitation.sent")
    assert (sent.actor, sent.target) == (user.email, invited.email)
    assert Invitation.objects.filter(pk=invited.pk).exists()
    assert Event.objects.get(pk=told.pk).details == {"role": "admin"}


def test_only_what_a_redaction_names_can_change_and_only_so(organization, user, duncan):
    sealed = record_change(organization, "test.done", duncan)
    other = record_change(organization, "test.done", user)
    sealing.seal_committed()
    persons.erase(duncan, actor=None)
    redact()
    sealing.seal_committed()

    for row, columns in ((other, {"actor": "x"}), (sealed, {"action": "x"})):
        with pytest.raises(IntegrityError), transaction.atomic():
            models.QuerySet(Event).filter(pk=row.pk).update(**columns)
    assert broken() == []
    models.QuerySet(Event).filter(pk=sealed.pk).update(actor="somebody else")
    assert f"event {sealed.pk} was changed" in broken()[0]


def test_the_last_owner_stays(organization, user):
    out = StringIO()
    call_command("person_data", user.email, stdout=out)
    assert json.loads(out.getvalue())["account"]["email"] == user.email

    with pytest.raises(persons.ErasureRefused, match=r"only owner of Arrakis.*Or end Arrakis"):
        persons.erase(user, actor=None)

    make_member(organization, "gurney@arrakis.test", "owner")
    call_command("person_data", user.email, "--erase", stdout=out)
    assert not User.objects.filter(pk=user.pk).exists()


def test_every_session_of_a_person_ends_with_the_account(duncan):
    for browser in (Client(), Client()):
        browser.post(reverse("account_login"), {"login": NAME, "password": "spice must flow"})
    assert Session.objects.count() == 2

    persons.erase(duncan, actor=duncan)

    assert not Session.objects.exists()
