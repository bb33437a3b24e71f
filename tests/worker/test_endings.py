"""An organization ends: asked for, undone in time, erased to the last row, in pieces."""

import uuid
from dataclasses import replace
from datetime import date, timedelta
from io import StringIO

import pytest
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import call_command
from django.db import connection, models
from django.test import Client
from django.urls import reverse

from sequin_admin.access import endings, invitations, keys
from sequin_admin.access.models import Membership, Organization, OrganizationEnding, Scope, User
from sequin_admin.access.rights import RightLost, refuse_lost_right
from sequin_admin.audit import sealing
from sequin_admin.audit.models import Event, record_change
from sequin_admin.audit.repeats import record_repeatable
from sequin_admin.audit.verification import Verification
from sequin_admin.connect import links
from sequin_admin.connect.models import AccessReturn
from sequin_admin.core import clock, owned_rows
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.health import probe_claims
from sequin_admin.tokens import renewal_leases
from sequin_admin.worker.jobs import JOBS
from tests.conftest import confirm_login, make_member
from tests.factories import make_credential

pytestmark = pytest.mark.django_db
WORK = [job for job in JOBS if job.name in {"give_back_access", "end_organizations"}]


def work(until_gone, turns=60):
    """Let the worker's jobs run, each time when their next turn is due."""
    for _ in range(turns):
        if until_gone():
            return
        for model in (OrganizationEnding, AccessReturn):
            model.objects.filter(due_at__isnull=False).update(due_at=clock.now())
        for job in WORK:
            for item in job.claim(9):
                job.work(item)
    raise AssertionError(OrganizationEnding.objects.values())


def is_gone():
    return not OrganizationEnding.objects.exists()


def let_end(organization):
    """Its time has come."""
    endings.ask(organization, actor=None)
    now = clock.now()
    OrganizationEnding.objects.filter(pk=organization.pk).update(ends_at=now, due_at=now)


VALUES = {
    "CharField": "x", "TextField": "x", "SlugField": "x", "EmailField": "a@b.test",
    "IntegerField": 1, "BigIntegerField": 1, "PositiveIntegerField": 1, "BooleanField": False,
    "PositiveSmallIntegerField": 1, "PositiveBigIntegerField": 1, "SmallIntegerField": 1,
    "FloatField": 1.0, "DateField": date(2026, 1, 1), "BinaryField": b"x", "JSONField": {},
}  # fmt: skip


def fill(organization, owner):
    """One row of the organization in each table that can have one."""
    made = {Organization: organization, User: owner, Membership: owner.memberships.get()}
    for model in reversed([*owned_rows.find_owned(Organization)]):
        if model in made:
            continue
        row = model()
        for column in model._meta.concrete_fields:
            set_value(row, column, made)
        model._base_manager.bulk_create([row])
        made[model] = row
    return made


def set_value(row, column, made):
    if isinstance(column, models.ForeignKey):
        setattr(row, column.name, made.get(column.related_model))
    elif column.generated or column.has_default() or column.null or column.primary_key:
        return
    elif column.get_internal_type() == "UUIDField":
        setattr(row, column.name, uuid.uuid4())
    elif column.get_internal_type() == "DateTimeField":
        setattr(row, column.name, clock.now())
    elif column.name == "kind":
        row.kind = "stripe_key"
    elif column.unique:
        setattr(row, column.name, uuid.uuid4().hex[:12])
    elif not column.blank:
        setattr(row, column.name, VALUES.get(column.get_internal_type(), {}))


def traces(*values):
    """Tables with a row in which one of the values stands."""
    wanted = {text for value in values for text in (str(value), getattr(value, "hex", str(value)))}
    found = {}
    for model in apps.get_models(include_auto_created=True):
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
            rows = [str(row) for row in cursor.fetchall()]
        count = sum(any(text in row for text in wanted) for row in rows)
        if count:
            found[model._meta.label] = count
    return found


def broken():
    found = Verification()
    found.run([])
    return found.broken


def test_nothing_of_it_is_left_but_one_record(organization, user, stranger):
    other = Organization.objects.get(slug="giedi-prime")
    made, kept = fill(organization, user), fill(other, stranger)
    record_change(organization, "test.done", user)
    record_repeatable(organization, "test.denied", user, organization_id=organization.pk)
    before = traces(other.pk)
    assert set(made) - {Organization, User} == {*owned_rows.find_owned(Organization)}
    sealing.seal_committed()
    let_end(organization)

    work(is_gone)

    sealing.seal_committed()
    left = traces(
        organization.pk, *(row.pk for row in made.values() if isinstance(row.pk, uuid.UUID))
    )
    # The end of its chain, which names nobody, and the record in the installation's log.
    assert left == {"audit.Seal": 1, "audit.ChainHead": 1, "audit.Event": 1}
    assert traces(other.pk).items() >= before.items()
    assert all(type(row)._base_manager.filter(pk=row.pk).exists() for row in kept.values())
    record = Event.objects.get(organization_id=None, action="organization.erased")
    assert record.details["organization"] == str(organization.pk)
    assert record.details["erased"]["credential"] == 1
    assert broken() == []


def test_a_killed_worker_goes_on(organization, user, monkeypatch):
    """Its lease ends, and what is done is not done again."""
    fill(organization, user)
    for number in range(30):
        make_credential(organization, "checkout_champ_password", identity=f"n{number}")
    let_end(organization)
    killed, real = [], owned_rows.pruning.prune_batch

    def die(rows, by, pace):
        if len(killed) < 5 and len(killed) == 5 - 5 * (rows.model is Credential):
            killed.append(1)
            raise SystemExit
        return real(rows, by, replace(pace, size=7))

    monkeypatch.setattr(owned_rows.pruning, "prune_batch", die)
    for _ in range(20):
        try:
            work(is_gone)
        except (SystemExit, AssertionError):
            OrganizationEnding.objects.update(lease_until=None)
    work(is_gone)

    assert not Organization.objects.exists()
    assert broken() == []


def test_access_is_given_back_and_what_fails_is_written_down(
    organization, make_app, connect, simulated, settings
):
    back = connect(make_app("hubspot"), "21902692").credential
    away = make_credential(organization, "linear_oauth2", oauth_app=make_app("linear"))
    settings.PROVIDER_BASE_URLS = {"api.linear.app": "http://127.0.0.1:9"}
    let_end(organization)

    work(lambda: AccessReturn.objects.filter(pk=away.pk, tries__gt=1).exists())
    assert AccessReturn.objects.get(pk=back.pk).due_at is None
    OrganizationEnding.objects.update(began_at=clock.now() - timedelta(days=1))
    work(is_gone)

    assert any("revoke" in call["endpoint"] for call in simulated.calls("hubspot"))
    told = Event.objects.get(action="organization.erased").details["access"]
    assert told == {"hubspot_oauth2": {"given_back": 1}, "linear_oauth2": {"unreachable": 1}}


def test_while_it_waits_nothing_is_done_for_it(organization, user, client):
    credential = make_credential(organization, "stripe_key")
    link = links.create(organization, [kinds.get("stripe_key")], actor=user)
    _, token = keys.create(organization, name="k", scopes=[*Scope], actor=user)
    head = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    invited, _ = invitations.create(organization, "duncan@arrakis.test", "viewer", actor=user)
    permits = f"/v1/credentials/{credential.pk}/permits"
    assert client.post(permits, {}, "application/json", **head).status_code == 200
    endings.ask(organization, actor=user)

    assert probe_claims.claim_due(9) == []
    assert renewal_leases.claim_due(9) == []
    refused = client.post(permits, {}, "application/json", **head)
    assert refused.status_code == 403
    assert "ends on" in refused.json()["summary"]
    assert client.get(f"/v1/credentials/{credential.pk}/token", **head).status_code == 403
    assert client.get("/v1/organization", **head).json()["ends_at"]
    with pytest.raises(links.LinkClosed):
        links.refuse_closed(link)
    with pytest.raises(RightLost):
        refuse_lost_right(None, organization)
    with pytest.raises(invitations.InvitationClosed, match="about to be erased"):
        invitations.accept_with_new_account(invited, "the litany against fear")

    endings.undo(organization, actor=user)

    assert [row.pk for row in probe_claims.claim_due(9)] == [credential.pk]
    assert client.post(permits, {}, "application/json", **head).status_code == 200


def test_an_owner_ends_it_and_another_one_undoes_that(client, organization, user, viewer):
    second = make_member(organization, "gurney@arrakis.test", "owner")
    page, stay = reverse("dashboard:organization_end"), reverse("dashboard:organization_stay")
    make_credential(organization, "stripe_key")
    client.force_login(viewer)
    assert client.post(page, {"name": "Arrakis"}).status_code == 403
    client.force_login(user)
    confirm_login(client)
    assert "1 credential at Stripe" in client.get(page).content.decode()
    assert client.post(page, {"name": "arrakis"}).status_code == 422
    assert not endings.is_ending(organization)

    client.post(page, {"name": "Arrakis"})

    assert {message.to[0] for message in mail.outbox} == {user.email, second.email}
    client.force_login(viewer)
    assert "will be erased" in client.get("/credentials/").content.decode()
    assert client.post(stay).status_code == 403
    client.force_login(second)
    assert client.post(reverse("dashboard:add", args=["stripe_key"]), {}).status_code == 403

    client.post(stay)
    again = client.post(stay, follow=True)

    assert "does not end" in again.content.decode()
    assert not endings.is_ending(organization)
    actions = Event.objects.filter(organization_id=organization.pk, action__contains=".end_")
    assert [e.action for e in actions] == ["organization.end_undone", "organization.end_asked"]


def test_owners_are_told_whatever_the_name(organization, user):
    """A subject has no line break, which would keep everybody from ending it."""
    organization.name = "Arra\nkis"
    organization.save()

    endings.ask(organization, actor=None)
    endings.undo(organization, actor=None)

    told = ["Arra kis will be erased", "Arra kis will not be erased"]
    assert [message.subject for message in mail.outbox] == told


def test_whoever_is_first_wins(organization, user):
    """The end that has begun is not undone, and what was undone does not begin."""
    let_end(organization)
    ending = OrganizationEnding.objects.get()
    endings.undo(organization, actor=user)
    assert not endings.begin(ending)

    let_end(organization)
    assert endings.begin(OrganizationEnding.objects.get())
    with pytest.raises(endings.EndRefused, match="is being erased"):
        endings.undo(organization, actor=user)


def test_the_command_line_does_the_same(organization):
    out = StringIO()
    call_command("end_organization", "arrakis", stdout=out)
    assert "ends on" in out.getvalue()

    call_command("end_organization", "arrakis", "--undo", stdout=out)

    assert is_gone()


def test_who_is_a_member_of_nothing_else_is_signed_out(organization, user, stranger):
    other = Organization.objects.get(slug="giedi-prime")
    Membership.objects.create(organization=other, user=user, role="viewer")
    for person in (user, make_member(organization, "yueh@arrakis.test", "viewer")):
        given = {"login": person.email, "password": "spice must flow"}
        Client().post(reverse("account_login"), given)
    assert Session.objects.count() == 2
    let_end(organization)

    work(is_gone)

    assert Session.objects.count() == 1
    assert UserSession.objects.get().user == user
