"""The members page and its actions."""

import re

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from sequin_admin.access import invitations, members
from sequin_admin.access.models import Invitation, Membership, Organization, User
from sequin_admin.access.policy import Role
from sequin_admin.audit.models import Event
from tests.conftest import confirm_login, make_member
from tests.edit_forms import submit

URL = reverse("dashboard:members")
ADD = reverse("dashboard:member_add")


def link_in(mail: EmailMessage) -> str:
    [link] = re.findall(r"https?://\S+/invitation/\S+", mail.body)
    return str(link)


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


@pytest.fixture
def owner(client, user):
    client.force_login(user)
    return confirm_login(client)


def test_who_is_invited_is_no_member_yet(owner, stranger, organization, mailoutbox):
    """Nobody is attached by address, whether it has an account or not."""
    for email in (stranger.email.upper(), "jessica@arrakis.test"):
        response = owner.post(ADD, {"email": email, "role": "admin"})
        assert response.url == URL

    assert not Membership.objects.filter(organization=organization, user=stranger).exists()
    assert actions(organization) == ["invitation.sent"] * 2
    assert [mail.to for mail in mailoutbox] == [[stranger.email], ["jessica@arrakis.test"]]
    assert mailoutbox[0].body == mailoutbox[1].body.replace(
        "jessica@arrakis.test", stranger.email
    ).replace(link_in(mailoutbox[1]), link_in(mailoutbox[0]))


def test_open_invitations_are_listed_for_those_who_manage(owner, viewer, organization):
    owner.post(ADD, {"email": "jessica@arrakis.test", "role": "viewer"})

    assert "jessica@arrakis.test" in owner.get(URL).content.decode()
    owner.force_login(viewer)
    assert "jessica@arrakis.test" not in owner.get(URL).content.decode()


def test_mail_trouble_is_said_and_the_invitation_stays(owner, organization, monkeypatch):
    def refuse(*args: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)

    page = owner.post(ADD, {"email": "jessica@arrakis.test", "role": "viewer"}, follow=True)

    assert "could not be mailed" in page.content.decode()
    assert Invitation.objects.get().email == "jessica@arrakis.test"


def test_an_invitation_is_sent_again_and_withdrawn(owner, organization, mailoutbox):
    owner.post(ADD, {"email": "jessica@arrakis.test", "role": "viewer"})
    invitation = Invitation.objects.get()

    asked = owner.get(reverse("dashboard:invitation_resend", args=[invitation.pk]))
    owner.post(reverse("dashboard:invitation_resend", args=[invitation.pk]))
    owner.post(reverse("dashboard:invitation_withdraw", args=[invitation.pk]))

    assert "jessica@arrakis.test" in asked.content.decode()
    first, second = map(link_in, mailoutbox)
    assert first != second
    assert Client().get(first).status_code == Client().get(second).status_code == 410
    assert actions(organization) == [
        "invitation.withdrawn", "invitation.resent", "invitation.sent"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["member_add", "invitation_resend"])
def test_inviting_needs_a_fresh_login(client, user, organization, name):
    invitation, _ = invitations.create(organization, "j@arrakis.test", Role.VIEWER, actor=user)
    args = [invitation.pk] if name == "invitation_resend" else []
    client.force_login(user)
    session = client.session
    session["login_at"] = 0
    session.save()

    asked = client.get(reverse(f"dashboard:{name}", args=args))
    client.post(reverse(f"dashboard:{name}", args=args), {"email": "r@a.test", "role": "owner"})

    assert asked.url.startswith(reverse("account_reauthenticate"))
    assert actions(organization) == ["invitation.sent"]


@pytest.mark.parametrize(
    ("email", "sentence"),
    [("not an address", "Enter a valid email address"), ("paul@arrakis.test", "member already")],
)
def test_bad_address_is_refused_at_the_field(owner, email, sentence):
    response = owner.post(ADD, {"email": email, "role": "member"})

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert email in response.content.decode()


def test_role_changes_and_is_audited(client, user, viewer, organization):
    membership = Membership.objects.get(user=viewer)
    client.force_login(user)

    submit(
        client, reverse("dashboard:member_role", args=[membership.pk]), {"role": "admin"}, page=URL
    )

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
    demoted = submit(
        client,
        reverse("dashboard:member_role", args=[membership.pk]),
        {"role": "viewer"},
        page=URL,
        follow=True,
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

    for name in ("member_role", "member_remove"):
        response = client.post(
            reverse(f"dashboard:{name}", args=[membership.pk]), {"role": "owner"}
        )
        assert response.status_code == 404


@pytest.mark.parametrize("name", ["member_role", "member_remove"])
def test_viewer_may_not_manage(client, viewer, name):
    membership = Membership.objects.get(user=viewer)
    client.force_login(viewer)

    response = client.post(reverse(f"dashboard:{name}", args=[membership.pk]), {"role": "owner"})

    assert response.status_code == 403
    assert "you need to be owner" in response.content.decode()


def test_withdrawing_is_a_post(client, user, organization):
    invitation, _ = invitations.create(organization, "j@arrakis.test", Role.VIEWER, actor=user)
    client.force_login(user)

    url = reverse("dashboard:invitation_withdraw", args=[invitation.pk])

    assert client.get(url).status_code == 405


def test_queries_do_not_grow_with_members(
    client, user, organization, django_assert_max_num_queries
):
    for number in range(60):
        make_member(organization, f"fremen-{number}@arrakis.test", Role.MEMBER)
    client.force_login(user)

    with django_assert_max_num_queries(10):
        page = client.get(URL)

    assert "fremen-59@arrakis.test" in page.content.decode()
