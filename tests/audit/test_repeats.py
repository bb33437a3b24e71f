"""What may be caused again and again: logins, refusals. Where from is told, repeats are counted."""

from datetime import timedelta

import pytest
from django.urls import reverse

from sequin_admin.access import keys
from sequin_admin.access.models import Membership, Organization
from sequin_admin.access.policy import Role
from sequin_admin.audit import repeats
from sequin_admin.audit.models import Event, record_change
from sequin_admin.audit.tables import RepeatedEvent
from sequin_admin.core import clock
from sequin_admin.core.actors import Actor

pytestmark = pytest.mark.django_db
WHERE = {"REMOTE_ADDR": "203.0.113.7", "HTTP_USER_AGENT": "Sietch/1.0\x1b"}


def log_in(client, email, password="spice must flow"):
    return client.post(
        reverse("account_login"), {"login": email, "password": password}, **WHERE
    ).status_code


def told(**where):
    rows = Event.objects.filter(**where).order_by("pk")
    return [(e.action, e.actor, e.address, e.user_agent) for e in rows]


def pass_time(monkeypatch, minutes):
    now = clock.now() + timedelta(minutes=minutes)
    monkeypatch.setattr(clock, "now", lambda: now)


def test_a_login_and_a_logout_say_where_from(client, organization, user):
    log_in(client, user.email)
    client.post(reverse("account_logout"), **WHERE)

    where = (user.email, "203.0.113.7", "Sietch/1.0")
    assert told(organization_id=organization.pk) == [
        ("user.logged_in", *where),
        ("user.logged_out", *where),
    ]
    assert Event.objects.first().target_id == str(user.pk)


def test_a_wrong_password_is_told_once_and_its_repeats_are_counted(
    client, organization, user, monkeypatch
):
    for _ in range(4):
        log_in(client, user.email, "water must flow")

    failed = [("user.login_failed", "Somebody not signed in", "203.0.113.7", "Sietch/1.0")]
    assert told(organization_id=organization.pk) == failed

    pass_time(monkeypatch, 11)
    repeats.write_counted()
    assert told(organization_id=organization.pk) == failed * 2
    assert Event.objects.first().details == {"repeated": 3}

    pass_time(monkeypatch, 22)
    repeats.write_counted()
    assert Event.objects.count() == 2
    assert not RepeatedEvent.objects.exists()


def test_what_was_typed_for_an_unknown_account_is_not_written(client):
    log_in(client, "my-password-in-the-wrong@field.test", "x")

    event = Event.objects.get()
    assert (event.action, event.target, event.organization_id) == ("user.login_failed", "", None)
    assert "wrong@field" not in str(list(RepeatedEvent.objects.values()))


def test_callers_who_are_not_signed_in_have_a_cap_together(monkeypatch):
    monkeypatch.setattr(repeats, "MOST_UNKNOWN", 3)
    for number in range(9):
        caller = Actor(address=f"203.0.113.{number}", unknown=True)
        repeats.record_repeatable(None, "user.login_failed", caller)

    events = Event.objects.order_by("pk")
    assert [event.address for event in events] == [f"203.0.113.{n}" for n in range(3)] + [""]
    assert events[3].details == {"from_many": True}
    assert RepeatedEvent.objects.filter(count=5).count() == 1


def test_a_refused_action_is_told(client, organization, viewer):
    client.force_login(viewer)
    for _ in range(3):
        assert client.get(reverse("dashboard:members"), **WHERE).status_code in (200, 403)
        assert client.post(reverse("dashboard:organization"), **WHERE).status_code == 403

    event = Event.objects.get(action="action.denied")
    assert (event.actor, event.address) == (viewer.email, "203.0.113.7")
    assert event.details["path"] == reverse("dashboard:organization")
    assert event.organization_id == organization.pk


def test_a_key_from_elsewhere_or_without_the_scope_is_told(client, organization):
    key, token = keys.create(
        organization, name="k", scopes=["permits"], actor=None, networks=["10.0.0.0/8"]
    )
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {token}", "HTTP_USER_AGENT": "Sietch/1.0"}

    for address in ("203.0.113.7", "203.0.113.7", "10.1.2.3"):
        assert client.get("/v1/credentials", REMOTE_ADDR=address, **bearer).status_code == 403

    assert told(organization_id=organization.pk, actor_type="apikey") == [
        ("api_key.network_refused", str(key), "203.0.113.7", "Sietch/1.0"),
        ("action.denied", str(key), "10.1.2.3", "Sietch/1.0"),
    ]
    assert token not in str(list(Event.objects.values()))


def test_a_switch_to_another_organization_is_told_there(client, organization, user):
    other = Organization.objects.create(name="Caladan", slug="caladan")
    Membership.objects.create(organization=other, user=user, role=Role.VIEWER)
    client.force_login(user)

    for _ in range(2):
        client.post(reverse("dashboard:switch_organization"), {"organization": other.pk}, **WHERE)

    assert told(organization_id=other.pk) == [
        ("organization.switched_to", user.email, "203.0.113.7", "Sietch/1.0")
    ]


def test_a_text_longer_than_the_column_is_cut(organization):
    actor = Actor(None, address="x" * 99, user_agent="y" * 999)

    event = record_change(organization, "test.done", actor)

    event.refresh_from_db()
    assert (len(event.address), len(event.user_agent)) == (45, 200)
