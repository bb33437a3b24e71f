"""Accepting an invitation, and the address that it is for."""

import re

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.test import Client
from django.urls import reverse

from sequin_admin.access import addresses, invitations
from sequin_admin.access.models import Membership, User
from sequin_admin.access.policy import Role
from sequin_admin.audit.models import Event
from tests.conftest import confirm_login, make_member
from tests.edit_forms import submit

ACCEPT, EMAIL = reverse("invitation"), reverse("account_email")
SECRET = "the litany against fear"
NEW = {"password1": SECRET, "password2": SECRET}


@pytest.fixture
def invite(organization, user):
    """Invite an address as admin; returns the mailed URL."""

    def send(email="jessica@arrakis.test"):
        _, token = invitations.create(organization, email, Role.ADMIN, actor=user)
        return reverse("invitation_open", args=[token])

    return send


def role_of(organization, email="jessica@arrakis.test"):
    rows = Membership.objects.of(organization).filter(user__email=email)
    return rows.values_list("role", flat=True).first()


def test_a_newcomer_chooses_a_password_and_is_in(client, organization, invite):
    form = client.get(invite(), follow=True)
    entered = client.post(ACCEPT, NEW, follow=True)

    assert "jessica@arrakis.test" in form.content.decode()
    assert "You are now in Arrakis, as admin" in entered.content.decode()
    assert role_of(organization) == Role.ADMIN
    client.logout()
    again = client.post(
        reverse("account_login"), {"login": "jessica@arrakis.test", "password": SECRET}
    )
    assert again.url == reverse("dashboard:overview")


def test_opening_the_link_makes_nobody_a_member(client, organization, invite, stranger):
    client.get(invite(), follow=True)
    client.force_login(stranger)
    client.get(invite(stranger.email), follow=True)

    assert role_of(organization) is role_of(organization, stranger.email) is None


def test_the_token_is_in_the_mailed_address_only(client, invite):
    url = invite()
    token = url.rstrip("/").rpartition("/")[2]

    answer = client.get(url)

    assert token not in answer.url
    assert token not in str(dict(client.session))
    assert token not in client.get(answer.url).content.decode()


@pytest.mark.parametrize("form", [{}, {**NEW, "password2": "other"}, {"password1": "1"}])
def test_a_bad_password_makes_no_account(client, organization, invite, form):
    client.get(invite())

    client.post(ACCEPT, form)

    assert role_of(organization) is None
    assert not User.objects.filter(email="jessica@arrakis.test").exists()


def test_who_has_an_account_signs_in_and_then_accepts(client, organization, invite, stranger):
    asked = client.get(invite(stranger.email), follow=True)
    refused = client.post(ACCEPT, NEW)
    login = re.search(r'href="(/accounts/login/[^"]+)"', asked.content.decode())[1]
    form = {"login": stranger.email, "password": "spice must flow", "next": ACCEPT}
    page = client.post(login, form, follow=True)
    entered = client.post(ACCEPT, follow=True)

    assert "Sign in with it, then accept" in refused.content.decode()
    assert "Accept the invitation" in page.content.decode()
    assert "You are now in Arrakis" in entered.content.decode()
    assert role_of(organization, stranger.email) == Role.ADMIN


def test_who_is_signed_in_under_another_address_is_told(client, organization, invite, stranger):
    client.force_login(stranger)

    shown = client.get(invite(), follow=True)
    refused = client.post(ACCEPT)

    assert shown.status_code == refused.status_code == 403
    for page in (shown, refused):
        assert "invited jessica@arrakis.test. You are signed in as" in page.content.decode()
    assert role_of(organization, stranger.email) is None
    assert Client().get(invite("alia@arrakis.test")).status_code == 302


def test_an_address_named_without_proof_gives_no_membership(client, organization, invite, stranger):
    """A viewer elsewhere adds somebody's address, makes it primary and waits for the invitation."""
    EmailAddress.objects.filter(user=stranger).delete()
    client.force_login(stranger)
    confirm_login(client)

    for action in ("action_add", "action_primary", "action_remove"):
        answer = client.post(EMAIL, {"email": "jessica@arrakis.test", action: ""})
        assert answer.status_code == 403
    client.get(invite(), follow=True)
    client.post(ACCEPT)

    stranger.refresh_from_db()
    assert stranger.email == "feyd@giedi-prime.test"
    assert not Membership.objects.of(organization).filter(user=stranger).exists()


def test_a_pending_change_is_not_made_primary(client, user):
    client.force_login(user)
    confirm_login(client)

    client.post(EMAIL, {"email": "alia@arrakis.test", "action_add": ""})
    client.post(EMAIL, {"email": "alia@arrakis.test", "action_primary": ""})

    user.refresh_from_db()
    assert user.email == "paul@arrakis.test"
    assert not addresses.has_confirmed(user, "alia@arrakis.test")


def test_without_a_link_there_is_no_invitation(client, db):
    assert client.get(ACCEPT).status_code == 410
    assert client.get(reverse("invitation_open", args=["guess"])).status_code == 410
    assert not client.session.keys()


def test_an_accepted_one_says_what_to_do(client, invite):
    url = invite()
    client.get(url)
    client.post(ACCEPT, NEW)

    page = client.get(url)

    assert page.status_code == 410
    assert "ask an owner" in page.content.decode()


def test_nobody_signs_in_with_an_address_that_is_not_confirmed(client, db, mailoutbox):
    User.objects.create_user("irulan", "irulan@arrakis.test", "spice must flow")

    form = {"login": "irulan@arrakis.test", "password": "spice must flow"}
    answer = client.post(reverse("account_login"), form)

    assert answer.url == reverse("account_email_verification_sent")
    assert client.get("/").status_code == 302
    assert mailoutbox[0].to == ["irulan@arrakis.test"]


def test_changing_the_address_needs_a_fresh_login(client, user):
    client.force_login(user)
    session = client.session
    session["login_at"] = 0
    session.save()

    asked = client.get(EMAIL)
    client.post(EMAIL, {"email": "muaddib@arrakis.test", "action_add": ""})

    assert asked.url.startswith(reverse("account_reauthenticate"))
    assert list(EmailAddress.objects.values_list("email", flat=True)) == [user.email]


def test_an_address_is_replaced_when_the_new_one_is_confirmed(
    client, user, organization, mailoutbox, settings
):
    settings.PUBLIC_URL = "https://admin.arrakis.test"
    client.force_login(user)
    confirm_login(client)

    submit(client, EMAIL, {"email": "muaddib@arrakis.test", "action_add": ""})
    user.refresh_from_db()
    before = user.email
    [mail] = mailoutbox
    link = re.search(r"https://admin.arrakis.test(/accounts/confirm-email/\S+)", mail.body)[1]
    client.get(link)
    client.post(link)

    user.refresh_from_db()
    assert before == "paul@arrakis.test"
    assert mail.to == ["muaddib@arrakis.test"]
    assert user.email == user.username == "muaddib@arrakis.test"
    assert addresses.has_confirmed(user, "muaddib@arrakis.test")
    assert not addresses.has_confirmed(user, "paul@arrakis.test")
    assert mailoutbox[1].to == ["paul@arrakis.test"]
    assert "muaddib@arrakis.test" in mailoutbox[1].body
    [event] = Event.objects.of(organization.pk)
    assert event.action == "user.address_changed"
    assert event.details == {"before": "paul@arrakis.test", "after": "muaddib@arrakis.test"}


def test_an_address_of_another_account_is_not_taken_over(client, user, stranger):
    """The other account was made on the command line; nobody has confirmed its address."""
    EmailAddress.objects.filter(user=stranger).delete()
    pending = EmailAddress.objects.create(user=user, email=stranger.email)
    client.force_login(user)
    link = reverse("account_confirm_email", args=[EmailConfirmationHMAC.create(pending).key])

    client.get(link)
    page = client.post(link, follow=True)

    assert "belongs to another account" in page.content.decode()
    user.refresh_from_db()
    assert user.email == "paul@arrakis.test"


def test_a_mail_server_in_trouble_does_not_hide_what_was_done(client, user, monkeypatch):
    def refuse(*args: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    client.force_login(user)
    confirm_login(client)

    added = submit(client, EMAIL, {"email": "usul@arrakis.test", "action_add": ""}, follow=True)
    changed = client.post(
        reverse("account_change_password"), {"oldpassword": "spice must flow", **NEW}
    )

    assert "could not be sent" in added.content.decode()
    assert changed.status_code == 302
    user.refresh_from_db()
    assert user.check_password(SECRET)


def test_a_deactivated_account_is_out_and_stays_out(client, organization):
    alia = make_member(organization, "alia@arrakis.test", Role.OWNER)
    client.force_login(alia)

    alia.is_active = False
    alia.save(update_fields=["is_active"])
    closed = client.get("/")
    alia.is_active = True
    alia.save()

    assert closed.status_code == 302
    assert client.get("/").status_code == 302
    client.force_login(alia)
    assert client.get("/").status_code == 200
