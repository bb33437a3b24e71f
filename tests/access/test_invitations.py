"""Membership begins with an invitation that its recipient accepts."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command

from sequin_admin.access import addresses, invitations, members
from sequin_admin.access.models import Invitation, Membership, Organization, User, digest
from sequin_admin.access.policy import Role
from sequin_admin.audit.models import Event
from sequin_admin.core import clock
from tests.conftest import make_member

JESSICA = "jessica@arrakis.test"
SECRET = "the litany against fear"


@pytest.fixture
def invited(organization, user):
    """An open invitation and its token."""
    return invitations.create(organization, JESSICA, Role.ADMIN, actor=user)


def actions(organization):
    return list(Event.objects.of(organization.pk).order_by("id").values_list("action", flat=True))


def joined(organization, email=JESSICA):
    return Membership.objects.of(organization).filter(user__email=email).exists()


def test_an_invitation_makes_nobody_a_member(organization, invited, stranger, user):
    invitations.create(organization, stranger.email, Role.ADMIN, actor=user)

    assert not joined(organization)
    assert not joined(organization, stranger.email)
    assert not User.objects.filter(email=JESSICA).exists()


def test_the_token_is_not_stored(invited):
    invitation, token = invited

    assert token not in str(Invitation.objects.values().get())
    assert invitations.find(digest(token)) == invitation


def test_a_newcomer_gets_an_account_with_a_confirmed_address(organization, invited):
    membership = invitations.accept_with_new_account(invited[0], SECRET)

    assert membership.role == Role.ADMIN
    assert membership.user.check_password(SECRET)
    assert addresses.has_confirmed(membership.user, JESSICA)
    assert actions(organization) == ["invitation.sent", "member.added", "invitation.accepted"]


def test_an_account_joins_with_its_confirmed_address(organization, stranger, user):
    invitation, _ = invitations.create(
        organization, stranger.email.upper(), Role.VIEWER, actor=user
    )

    invitations.accept(invitation, stranger)

    assert joined(organization, stranger.email)


@pytest.mark.parametrize("state", ["other", "unconfirmed", "pending change", "inactive"])
def test_an_address_that_is_not_confirmed_counts_for_nothing(
    organization, invited, stranger, state
):
    """The hole: an account that merely names the invited address."""
    if state == "unconfirmed":
        EmailAddress.objects.filter(user=stranger).update(email=JESSICA, verified=False)
        User.objects.filter(pk=stranger.pk).update(email=JESSICA)
    elif state == "pending change":
        EmailAddress.objects.create(user=stranger, email=JESSICA)
    elif state == "inactive":
        EmailAddress.objects.filter(user=stranger).update(email=JESSICA)
        User.objects.filter(pk=stranger.pk).update(is_active=False)
    stranger.refresh_from_db()

    with pytest.raises(invitations.OtherAddress, match="This invitation is for jessica"):
        invitations.accept(invited[0], stranger)

    assert not Membership.objects.of(organization).filter(user=stranger).exists()
    assert invitations.find(invited[0].digest)


def test_it_works_once(organization, invited):
    invitations.accept_with_new_account(invited[0], SECRET)

    with pytest.raises(invitations.InvitationClosed, match="accepted"):
        invitations.accept_with_new_account(invited[0], SECRET)
    jessica = User.objects.get(email=JESSICA)
    with pytest.raises(invitations.InvitationClosed):
        invitations.accept(invited[0], jessica)


def test_it_ends_after_seven_days(organization, invited, monkeypatch):
    later = clock.now() + timedelta(days=7)
    monkeypatch.setattr(clock, "now", lambda: later)

    assert invitations.find(invited[0].digest) is None
    with pytest.raises(invitations.InvitationClosed):
        invitations.accept_with_new_account(invited[0], SECRET)
    assert not joined(organization)


def test_one_that_is_withdrawn_opens_nothing(organization, invited, user):
    invitations.withdraw(invited[0], actor=user)

    with pytest.raises(invitations.InvitationClosed):
        invitations.accept_with_new_account(invited[0], SECRET)
    with pytest.raises(invitations.InvitationClosed):
        invitations.resend(invited[0], actor=user)
    assert actions(organization) == ["invitation.sent", "invitation.withdrawn"]


def test_sending_again_ends_the_former_token(organization, invited, user):
    again, token = invitations.resend(invited[0], actor=user)

    assert invitations.find(digest(invited[1])) is None
    with pytest.raises(invitations.InvitationClosed):
        invitations.accept_with_new_account(invited[0], SECRET)
    assert invitations.find(digest(token)) == again
    assert actions(organization) == ["invitation.sent", "invitation.resent"]


@pytest.mark.parametrize("change", ["removed", "demoted", "deactivated"])
def test_it_ends_with_the_right_of_whoever_sent_it(organization, user, invited, change):
    other = make_member(organization, "leto@arrakis.test", Role.OWNER)
    theirs = Membership.objects.get(user=user)
    if change == "removed":
        members.remove(theirs, actor=other)
    elif change == "demoted":
        members.change_role(theirs, Role.ADMIN, actor=other)
    else:
        User.objects.filter(pk=user.pk).update(is_active=False)
    invitation = invitations.find(invited[0].digest)

    with pytest.raises(invitations.InvitationClosed, match="may no longer invite"):
        invitations.accept_with_new_account(invitation, SECRET)
    assert not joined(organization)
    again, _ = invitations.resend(invitation, actor=other)
    assert invitations.accept_with_new_account(again, SECRET)


def test_an_account_is_never_made_twice(organization, invited):
    """The address has an account that nobody has confirmed, made on the command line."""
    User.objects.create_user(username="j", email=JESSICA, password="known to somebody")

    with pytest.raises(invitations.AccountExists, match="Sign in"):
        invitations.accept_with_new_account(invited[0], SECRET)

    assert invitations.find(invited[0].digest)


def test_one_open_invitation_for_each_address(organization, invited, user):
    with pytest.raises(invitations.AlreadyInvited):
        invitations.create(organization, JESSICA, Role.OWNER, actor=user)
    with pytest.raises(members.AlreadyMember):
        invitations.create(organization, user.email.upper(), Role.OWNER, actor=user)

    assert Invitation.objects.get().role == Role.ADMIN


def test_a_superuser_starts_with_a_confirmed_address(db):
    user = User.objects.create_superuser(username="irulan", email="irulan@corrino.test")

    assert addresses.has_confirmed(user, "irulan@corrino.test")


def test_the_command_line_makes_an_organization_and_invites_its_owner(db, capsys):
    call_command("create_organization", "House Corrino", owner="irulan@corrino.test")

    token = capsys.readouterr().out.strip().rpartition("/invitation/")[2].strip("/")
    invitation = invitations.find(digest(token))
    membership = invitations.accept_with_new_account(invitation, SECRET)
    assert membership.role == Role.OWNER
    assert membership.organization == Organization.objects.get(slug="house-corrino")
    with pytest.raises(CommandError, match="taken"):
        call_command("create_organization", "House Corrino", owner="irulan@corrino.test")
