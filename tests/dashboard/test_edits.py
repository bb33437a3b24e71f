"""Nobody overwrites what somebody else changed while they had the form open, unseen."""

import base64
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import models
from django.forms import BoundField, FileInput, PasswordInput
from django.test import Client
from django.urls import reverse

from sequin_admin.access import keys, organizations
from sequin_admin.access.models import Logo, Membership
from sequin_admin.audit.models import Event
from sequin_admin.connect import credential_operations, links
from sequin_admin.core import clock
from sequin_admin.credentials import kinds, oauth_apps
from sequin_admin.credentials.kinds import Rate
from sequin_admin.dashboard.edits import form_values
from sequin_admin.limits import models as limits
from sequin_admin.limits.models import RateLimit
from sequin_admin.notifications import channels
from sequin_admin.notifications.models import ChannelKind
from sequin_admin.syncs import consumers, streams, syncs, targets
from tests.conftest import confirm_login, make_member
from tests.dashboard.conftest import address
from tests.edit_forms import seen_in, submit
from tests.factories import make_credential, make_oauth_app, make_synced


@dataclass
class Form:
    """An edit form: what another person changes, what one enters, and what is stored then."""

    path: str
    row: models.Model
    name: str
    change: Any
    theirs: str
    mine: str
    read: Any
    more: dict[str, Any] = field(default_factory=dict)


def credential_form(organization, actor):
    row = make_credential(organization, "checkout_champ_password", name="Spice")

    def change():
        credential_operations.update_details(row, actor=actor, name="Theirs")

    path = address("credential_edit", row.pk)
    return Form(path, row, "display_name", change, "Theirs", "Mine", lambda r: r.name)


def oauth_app_form(organization, actor):
    row = make_oauth_app(organization, "hubspot")

    def change():
        oauth_apps.update(row, actor=actor, scopes=["theirs"])

    path = address("oauth_app_edit", row.pk)
    return Form(path, row, "scopes", change, "theirs", "mine", lambda r: " ".join(r.scopes))


def sync_form(organization, actor):
    row, _, _ = make_synced(make_credential(organization, "stripe_key"))

    def change():
        syncs.update(row, actor=actor, sync_frequency="4h")

    path = address("sync_edit", row.pk)
    return Form(path, row, "sync_frequency", change, "4h", "1d", lambda r: r.sync_frequency)


def stream_form(organization, actor):
    row = streams.create(organization, actor=actor, slug="dev")

    def change():
        streams.rename(row, actor=actor, slug="theirs")

    path = address("stream_edit", row.pk)
    return Form(path, row, "slug", change, "theirs", "mine", lambda r: r.slug)


def target_form(organization, actor):
    _, row, _ = make_synced(make_credential(organization, "stripe_key"))

    def change():
        targets.update(row, actor=actor, schema="theirs")

    path = address("target_edit", row.pk)
    return Form(path, row, "schema", change, "theirs", "mine", lambda r: r.schema)


def consumer_form(organization, actor):
    _, _, row = make_synced(make_credential(organization, "stripe_key"))

    def change():
        consumers.update(row, actor=actor, name="Theirs")

    path = address("consumer_edit", row.pk)
    return Form(path, row, "name", change, "Theirs", "Mine", lambda r: r.name)


def channel_form(organization, actor):
    row = channels.create(
        organization, ChannelKind.MAIL, actor=actor, name="Ops", address="ops@arrakis.test"
    )

    def change():
        channels.update(row, actor=actor, address="theirs@arrakis.test")

    path = address("channel_edit", row.pk)
    mine, theirs = "mine@arrakis.test", "theirs@arrakis.test"
    return Form(path, row, "address", change, theirs, mine, lambda r: r.address)


def organization_form(organization, actor):
    def change():
        organizations.rename(organization, "Theirs", actor=actor)

    path = address("organization")
    return Form(path, organization, "name", change, "Theirs", "Mine", lambda r: r.name)


def limit_form(organization, actor):
    row = make_credential(organization, "stripe_key")

    def change():
        rate = Rate(allowed_requests=7, interval=1000, max_concurrent_requests=1)
        limits.set_limit(row, rate, actor=actor)

    def read(stored):
        return str(RateLimit.objects.get(pk=stored.pk).allowed_requests)

    return Form(address("limit", row.pk), row, "allowed_requests", change, "7", "9", read)


def api_key_form(organization, actor):
    row, _ = keys.create(organization, name="worker", scopes=["read"], actor=actor)

    def change():
        keys.update(row, actor=actor, name="Theirs")

    path = address("api_key_edit", row.pk)
    return Form(path, row, "name", change, "Theirs", "Mine", lambda r: r.name)


def link_form(organization, actor):
    row = links.create(organization, [kinds.get("stripe_key")], actor=actor, name="Spice")

    def change():
        links.update_link(row, actor=actor, name="Theirs")

    path = address("connect_link_edit", row.pk)
    return Form(path, row, "name", change, "Theirs", "Mine", lambda r: r.name)


FORMS = [
    *(credential_form, oauth_app_form, sync_form, stream_form, target_form, consumer_form),
    *(channel_form, organization_form, limit_form, api_key_form, link_form),
]


@pytest.fixture
def other(organization):
    return make_member(organization, "jessica@arrakis.test", "owner")


def open_form(client: Client, path: str) -> dict[str, Any]:
    """What a browser sends of the form as it is filled, with its digests."""
    page = client.get(path)
    context = page.context
    form = context.get("form") or context["limit_form"]
    sent: dict[str, Any] = {bound.html_name: filled(bound) for bound in form}
    return {**{n: v for n, v in sent.items() if v}, "seen": seen_in(page.content.decode())}


def filled(bound: BoundField) -> list[str]:
    is_blank = isinstance(bound.field.widget, PasswordInput | FileInput)
    return [] if is_blank else form_values(bound)


@pytest.mark.parametrize("make", FORMS, ids=lambda make: make.__name__)
def test_a_save_over_a_change_shows_both_and_lets_one_choose(owner, organization, other, make):
    form = make(organization, other)
    sent = {**open_form(owner, form.path), form.name: form.mine}
    form.change()
    events = Event.objects.count()

    page = owner.post(form.path, sent)

    text = page.content.decode()
    stored = type(form.row)._base_manager
    assert page.status_code == 409
    assert form.read(stored.get(pk=form.row.pk)) == form.theirs
    assert Event.objects.count() == events
    for shown in (f">{form.theirs}<", f">{form.mine}<", "by jessica@arrakis.test"):
        assert shown in text
    again = {**sent, "seen": seen_in(text)}

    assert owner.post(form.path, again).status_code == 409, "Nothing was chosen."
    assert form.read(stored.get(pk=form.row.pk)) == form.theirs
    owner.post(form.path, {**again, f"choice-{form.name}": "stored"})
    assert form.read(stored.get(pk=form.row.pk)) == form.theirs
    owner.post(form.path, {**again, f"choice-{form.name}": "mine"})
    assert form.read(stored.get(pk=form.row.pk)) == form.mine


@pytest.mark.parametrize("make", FORMS, ids=lambda make: make.__name__)
def test_a_form_as_it_was_opened_is_saved(owner, organization, other, make):
    form = make(organization, other)

    answer = owner.post(form.path, {**open_form(owner, form.path), form.name: form.mine})

    assert answer.status_code == 302
    assert form.read(type(form.row)._base_manager.get(pk=form.row.pk)) == form.mine


@pytest.mark.parametrize("make", FORMS, ids=lambda make: make.__name__)
def test_a_form_that_does_not_say_what_it_showed_changes_nothing_unseen(
    owner, organization, other, make
):
    """From a page before an update, or a script's."""
    form = make(organization, other)
    sent = {**open_form(owner, form.path), form.name: form.mine}
    del sent["seen"]
    form.change()

    page = owner.post(form.path, sent)

    text = page.content.decode()
    stored = type(form.row)._base_manager
    assert page.status_code == 409
    assert form.read(stored.get(pk=form.row.pk)) == form.theirs
    for shown in (f">{form.theirs}<", f">{form.mine}<", "too old to tell what it showed"):
        assert shown in text
    choices = dict.fromkeys(re.findall(r'name="(choice-\w+)"', text), "mine")
    owner.post(form.path, {**sent, "seen": seen_in(text), **choices})
    assert form.read(stored.get(pk=form.row.pk)) == form.mine


@pytest.mark.parametrize("make", FORMS, ids=lambda make: make.__name__)
def test_without_a_difference_it_need_not_say_so(owner, organization, other, make):
    form = make(organization, other)
    sent = open_form(owner, form.path)
    del sent["seen"]

    assert owner.post(form.path, sent).status_code == 302


def test_a_role_and_an_address_of_a_blind_form(owner, organization, user):
    viewer = Membership.objects.get(user=make_member(organization, "d@arrakis.test", "viewer"))
    confirm_login(owner)
    new = {"action_add": "", "email": "second@arrakis.test"}

    role = owner.post(address("member_role", viewer.pk), {"role": "owner"}, follow=True)
    mail = owner.post(reverse("account_email"), new, follow=True)

    viewer.refresh_from_db()
    assert viewer.role == "viewer"
    assert "Role is viewer, which the page may not have shown" in role.content.decode()
    assert "Nothing was changed" in mail.content.decode()
    assert not user.emailaddress_set.filter(email=new["email"]).exists()


def test_what_one_left_as_it_was_is_not_put_back_unasked(owner, organization, other):
    """Another field was changed: the page proposes to keep that."""
    form = credential_form(organization, other)
    sent = {**open_form(owner, form.path), "contact_email": "chani@arrakis.test"}
    form.change()

    text = owner.post(form.path, sent).content.decode()

    checked = re.search(r'name="choice-display_name" value="(\w+)"\s+checked', text)
    assert checked[1] == "stored"
    assert 'name="choice-contact_email"' not in text


def test_of_a_secret_only_that_it_differs_is_shown(owner, organization, other):
    row = make_credential(organization, "checkout_champ_password")
    path = address("credential_edit", row.pk)
    sent = {**open_form(owner, path), "password": "mine-1234567"}
    stale = {**sent}
    theirs = row.properties_class(**{**row.properties, "kind": row.kind, "password": "theirs-123"})
    credential_operations.replace_secrets(row, theirs, actor=other)

    page = owner.post(path, sent)

    text = page.content.decode()
    assert page.status_code == 409
    assert "Another value is set now" in text
    assert "Enter the secret again" in text
    assert "theirs-123" not in text
    assert "mine-1234567" not in text
    assert type(row).objects.get(pk=row.pk).secrets["password"] == "theirs-123"
    # An empty field keeps what is set now, so it is no conflict.
    del stale["password"]
    assert owner.post(path, {**stale, "display_name": "Mine"}).status_code == 302
    assert type(row).objects.get(pk=row.pk).secrets["password"] == "theirs-123"


def test_a_renewal_is_no_change(owner, organization):
    row = make_credential(organization, "stripe_key", name="Spice")
    path = address("credential_edit", row.pk)
    sent = {**open_form(owner, path), "display_name": "Mine"}
    type(row).objects.filter(pk=row.pk).update(updated_at="2030-01-01T00:00:00Z", checked_at=None)

    assert owner.post(path, sent).status_code == 302


def test_a_role_that_was_changed_meanwhile_is_said(owner, organization, other):
    viewer = Membership.objects.get(user=make_member(organization, "d@arrakis.test", "viewer"))
    page = owner.get(address("members")).content.decode()
    part = page[page.index(reverse("dashboard:member_role", args=[viewer.pk])) :]
    second = Client()
    second.force_login(other)
    path = address("member_role", viewer.pk)
    submit(second, path, {"role": "owner"}, page=address("members"))

    sent = {"role": "member", "seen": seen_in(part)}
    answer = owner.post(path, sent, follow=True)

    viewer.refresh_from_db()
    assert viewer.role == "owner"
    assert "changed to owner by jessica@arrakis.test" in answer.content.decode()
    assert "while you chose member" in answer.content.decode()


PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_a_logo_that_somebody_chose_meanwhile_is_not_removed(owner, organization, other):
    sent = open_form(owner, address("organization"))
    organizations.set_logo(organization, PIXEL, actor=other)

    page = owner.post(address("organization"), {**sent, "remove_logo": "on"})

    assert page.status_code == 409
    assert Logo.objects.filter(pk=organization.pk).exists()


def test_an_end_that_somebody_set_meanwhile_is_shown(owner, organization, other):
    form = api_key_form(organization, other)
    sent = {**open_form(owner, form.path), "days": "30"}
    keys.update(form.row, actor=other, expires_at=clock.now() + timedelta(days=9))

    page = owner.post(form.path, sent)

    assert page.status_code == 409
    assert "As now: " in page.content.decode()


def test_ones_own_address_in_two_tabs(owner, user):
    path = reverse("account_email")
    confirm_login(owner)
    seen = seen_in(owner.get(path).content.decode())
    first = {"action_add": "", "email": "first@arrakis.test", "seen": seen}
    owner.post(path, first)

    answer = owner.post(path, {**first, "email": "second@arrakis.test"}, follow=True)

    addresses = set(user.emailaddress_set.values_list("email", flat=True))
    assert addresses == {user.email, "first@arrakis.test"}
    assert "Nothing was changed" in answer.content.decode()
