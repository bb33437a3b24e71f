"""The audit log: written in the transaction of the change, and append-only."""

import ast

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from sequin_admin.access.models import User
from sequin_admin.audit.models import Event, record_change
from sequin_admin.connect import credential_operations, links
from sequin_admin.core import clock
from sequin_admin.core.env import ROOT
from tests.factories import make_credential

EDGES = ("dashboard", "api", "gateway")


def test_an_event_knows_who_what_and_when(organization, user):
    credential = make_credential(organization, "stripe_key", name="Spice trade")
    before = clock.now()

    credential_operations.disable(credential, actor=user)

    event = Event.objects.about(credential).get(action="credential.disabled")
    assert (event.actor, event.actor_type, event.actor_id) == (user.email, "user", str(user.pk))
    assert (event.target_type, event.organization_id) == ("credential", organization.pk)
    assert "Spice trade" in event.target
    assert before <= event.at <= clock.now()


def test_each_door_says_from_where(client, organization, user, api):
    """Ordinary changes: by page, by API, and by a customer with a link."""
    credential = make_credential(organization, "checkout_champ_password")
    agent = {"HTTP_USER_AGENT": "Ornithopter"}
    client.force_login(user)
    client.post(reverse("dashboard:disable", args=[credential.pk]), **agent)
    api.patch(f"/v1/credentials/{credential.pk}", {"name": "By API"})
    link = links.create(organization, [type(credential)], actor=user)
    Client().get(links.address(link), follow=True, **agent)

    told = {e.action: (e.actor, e.address, e.user_agent) for e in Event.objects.all()}
    assert told["credential.disabled"] == (user.email, "127.0.0.1", "Ornithopter")
    assert told["credential.changed"][1] == "127.0.0.1"
    assert told["connect_link.opened"][1:] == ("127.0.0.1", "Ornithopter")


def test_no_door_names_an_actor_without_its_place():
    """What pages, the API and the gateway pass as `actor` comes from the request."""
    wrong = []
    for path in (f for edge in EDGES for f in (ROOT / "sequin_admin" / edge).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            given = [k.value for k in getattr(node, "keywords", ()) if k.arg == "actor"]
            wrong += [f"{path}:{v.lineno}" for v in given if not from_request(v)]

    assert wrong == []


def from_request(value):
    if isinstance(value, ast.Call):
        return value.func.id in {"actor_of", "caller"}
    return isinstance(value, ast.Name | ast.Constant) or "event.actor" in ast.unparse(value)


def test_what_nobody_asked_for_was_done_by_the_system(organization):
    event = record_change(organization, "test.done", None)

    assert (event.actor, event.actor_type, event.actor_id) == ("Sequin Admin", "system", "")


@pytest.mark.django_db(transaction=True)
def test_what_is_undone_was_never_told(organization, user):
    credential = make_credential(organization, "stripe_key")

    with transaction.atomic():
        credential_operations.disable(credential, actor=user)
        assert Event.objects.filter(action="credential.disabled").exists()
        transaction.set_rollback(True)

    assert not Event.objects.filter(action="credential.disabled").exists()


def test_an_act_that_changes_nothing_is_not_told(organization, user):
    credential = make_credential(organization, "stripe_key")
    credential_operations.disable(credential, actor=user)

    credential_operations.disable(credential, actor=user)

    assert Event.objects.filter(action="credential.disabled").count() == 1


def test_it_outlives_what_it_tells_of(organization, user):
    credential = make_credential(organization, "stripe_key", name="Spice trade")
    credential_operations.delete(credential, actor=user)
    User.objects.filter(pk=user.pk).delete()

    event = Event.objects.get(action="credential.deleted")

    assert "Spice trade" in event.target
    assert event.actor == user.email


def test_names_longer_than_the_column_are_cut(organization, user):
    organization.name = "A" * 500

    event = record_change(organization, "test.done", user)

    event.refresh_from_db()
    assert event.target == "A" * 200


def test_an_organization_sees_its_own_events_only(organization, user, stranger, client):
    credential_operations.disable(
        make_credential(organization, "stripe_key", name="Spice trade"), actor=user
    )
    client.force_login(stranger)

    page = client.get(reverse("dashboard:audit")).content.decode()

    assert "Spice trade" not in page
    assert Event.objects.of(organization.pk).exists()


def test_staff_cannot_change_them(client, organization, user):
    event = record_change(organization, "test.done", user)
    client.force_login(User.objects.create_superuser(username="s", email="s@s.test"))
    change, delete = (
        reverse(f"admin:audit_event_{verb}", args=[event.pk]) for verb in ("change", "delete")
    )

    assert client.get(change).status_code == 200
    assert client.post(change, {"actor": "nobody"}).status_code == 403
    assert client.post(delete, {"post": "yes"}).status_code == 403
