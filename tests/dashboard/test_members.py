"""The members page and its actions."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from sequin_admin.access import members
from sequin_admin.access.models import Membership, Organization, User
from sequin_admin.access.policy import Role
from sequin_admin.audit.models import Event
from tests.conftest import make_member

URL = reverse("dashboard:members")
ADD = reverse("dashboard:member_add")


def actions(organization: Organization) -> list[str]:
    return [event.action for event in Event.objects.of(organization.pk)]


def test_list_shows_own_members_only(client, user, viewer, stranger):
    client.force_login(user)

    page = client.get(URL).content.decode()

    assert user.email in page
    assert viewer.email in page
    assert stranger.email not in page


def test_viewer_sees_no_forms(client, viewer):
    client.force_login(viewer)

    page = client.get(URL).content.decode()

    assert ADD not in page
    assert "Remove" not in page


def test_anonymous_is_sent_to_sign_in(client, db):
    response = client.get(URL)

    assert response.url == f"{reverse('account_login')}?next={URL}"


def test_existing_account_becomes_member(client, user, stranger, organization, mailoutbox):
    client.force_login(user)

    response = client.post(ADD, {"email": stranger.email.upper(), "role": "admin"})

    assert response.url == URL
    assert Membership.objects.get(organization=organization, user=stranger).role == Role.ADMIN
    assert actions(organization) == ["member.added"]
    assert mailoutbox == []


def test_invited_person_chooses_a_password_and_signs_in(client, user, mailoutbox):
    client.force_login(user)
    client.post(ADD, {"email": "jessica@arrakis.test", "role": "viewer"})
    [mail] = mailoutbox
    [link] = re.findall(r"https?://\S+/key/\S+", mail.body)
    guest, secret = Client(), "the litany against fear"

    form = guest.get(link, follow=True)
    guest.post(form.request["PATH_INFO"], {"password1": secret, "password2": secret})
    signed_in = guest.post(
        reverse("account_login"), {"login": "jessica@arrakis.test", "password": secret}
    )

    assert mail.to == ["jessica@arrakis.test"]
    assert "Arrakis" in mail.subject
    assert signed_in.url == reverse("dashboard:overview")


def test_mail_trouble_is_said_and_the_member_stays(client, user, organization, monkeypatch):
    def refuse(*args: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    client.force_login(user)

    page = client.post(ADD, {"email": "jessica@arrakis.test", "role": "viewer"}, follow=True)

    assert "could not be mailed" in page.content.decode()
    assert Membership.objects.filter(user__email="jessica@arrakis.test").exists()


def test_invitation_can_be_sent_again_until_there_is_a_password(client, user, mailoutbox):
    client.force_login(user)
    client.post(ADD, {"email": "jessica@arrakis.test", "role": "viewer"})
    invited = Membership.objects.get(user__email="jessica@arrakis.test")
    again = reverse("dashboard:member_invite", args=[invited.pk])

    client.post(again)
    invited.user.set_password("the litany against fear")
    invited.user.save()
    client.post(again)

    assert len(mailoutbox) == 2


@pytest.mark.parametrize(
    ("email", "sentence"),
    [("not an address", "Enter a valid email address"), ("paul@arrakis.test", "member already")],
)
def test_bad_address_is_refused_at_the_field(client, user, email, sentence):
    client.force_login(user)

    response = client.post(ADD, {"email": email, "role": "member"})

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert email in response.content.decode()


def test_role_changes_and_is_audited(client, user, viewer, organization):
    membership = Membership.objects.get(user=viewer)
    client.force_login(user)

    client.post(reverse("dashboard:member_role", args=[membership.pk]), {"role": "admin"})

    membership.refresh_from_db()
    assert membership.role == Role.ADMIN
    [event] = Event.objects.of(organization.pk)
    assert event.details == {"before": "viewer", "after": "admin"}


def test_unknown_role_is_refused(client, user, viewer):
    membership = Membership.objects.get(user=viewer)
    client.force_login(user)

    client.post(reverse("dashboard:member_role", args=[membership.pk]), {"role": "emperor"})

    membership.refresh_from_db()
    assert membership.role == Role.VIEWER


def test_removed_member_is_out_at_once(client, user, viewer):
    membership = Membership.objects.get(user=viewer)
    theirs = Client()
    theirs.force_login(viewer)
    client.force_login(user)

    asked = client.get(reverse("dashboard:member_remove", args=[membership.pk]))
    client.post(reverse("dashboard:member_remove", args=[membership.pk]))

    assert viewer.email in asked.content.decode()
    assert theirs.get(URL).status_code == 403


def test_last_owner_stays(client, user, viewer):
    membership = Membership.objects.get(user=user)
    client.force_login(user)

    removed = client.post(reverse("dashboard:member_remove", args=[membership.pk]), follow=True)
    demoted = client.post(
        reverse("dashboard:member_role", args=[membership.pk]), {"role": "viewer"}, follow=True
    )

    assert "only owner" in removed.content.decode()
    assert "only owner" in demoted.content.decode()
    membership.refresh_from_db()
    assert membership.role == Role.OWNER


def test_one_of_two_owners_may_go(organization, user):
    other = make_member(organization, "leto@arrakis.test", Role.OWNER)

    members.remove(Membership.objects.get(user=user), actor=other)

    assert list(organization.memberships.values_list("user__email", flat=True)) == [other.email]


def test_members_of_others_are_not_found(client, user, stranger: User):
    membership = Membership.objects.get(user=stranger)
    client.force_login(user)

    for name in ("member_role", "member_remove", "member_invite"):
        response = client.post(
            reverse(f"dashboard:{name}", args=[membership.pk]), {"role": "owner"}
        )
        assert response.status_code == 404


@pytest.mark.parametrize("name", ["member_role", "member_remove", "member_invite"])
def test_viewer_may_not_manage(client, viewer, name):
    membership = Membership.objects.get(user=viewer)
    client.force_login(viewer)

    response = client.post(reverse(f"dashboard:{name}", args=[membership.pk]), {"role": "owner"})

    assert response.status_code == 403
    assert "you need to be owner" in response.content.decode()


def test_adding_is_a_post(client, user):
    client.force_login(user)

    page = client.get(ADD, {"email": "feyd@arrakis.test", "role": "owner"})

    assert "Add a member" in page.content.decode()
    assert Membership.objects.count() == 1


def test_queries_do_not_grow_with_members(
    client, user, organization, django_assert_max_num_queries
):
    for number in range(60):
        make_member(organization, f"fremen-{number}@arrakis.test", Role.MEMBER)
    client.force_login(user)

    with django_assert_max_num_queries(10):
        page = client.get(URL)

    assert "fremen-59@arrakis.test" in page.content.decode()
