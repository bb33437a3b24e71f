"""Invitations to an organization: the only way in which a person becomes a member.

The token is mailed. Its holder has proven the mailbox, so a new account starts with a confirmed
address; an account that exists must have confirmed the invited address.
"""

from datetime import timedelta

from django.db import IntegrityError, transaction

from sequin_admin.access import addresses, endings, members
from sequin_admin.access.account_log import person_of
from sequin_admin.access.keys import get_person
from sequin_admin.access.models import (
    Invitation,
    Membership,
    Organization,
    User,
    digest,
    new_invitation_token,
)
from sequin_admin.access.policy import Action, allows
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.core.actors import NOWHERE, Actor, AnyActor

VALID_FOR = timedelta(days=7)


class InvitationClosed(Exception):
    """The invitation can't be accepted. `str()` is a sentence."""


class OtherAddress(Exception):
    """The account has not confirmed the invited address. `str()` is a sentence."""


class AccountExists(Exception):
    """The invited address has an account, which must log in to accept. `str()` is a sentence."""


class AlreadyInvited(Exception):
    """The address has an open invitation. `str()` is a sentence."""


@transaction.atomic
def create(
    organization: Organization, email: str, role: str, *, actor: AnyActor
) -> tuple[Invitation, str]:
    """A new invitation and its token, of which only the hash is stored.

    Without an `actor` it comes from this server's command line. Raises `members.AlreadyMember` and
    `AlreadyInvited`.
    """
    members.refuse_member(organization, email)
    token = new_invitation_token()
    invitation = Invitation(
        organization=organization, email=email.lower(), role=role, invited_by=get_person(actor)
    )
    set_token(invitation, token)
    try:
        with transaction.atomic():
            invitation.save()
    except IntegrityError:
        raise AlreadyInvited(
            f"{email} is invited already. Send that invitation again or withdraw it, in the list "
            "of open invitations."
        ) from None
    record_change(invitation, "invitation.sent", actor, role=role)
    return invitation, token


@transaction.atomic
def resend(invitation: Invitation, *, actor: AnyActor) -> tuple[Invitation, str]:
    """A new token, valid for seven days from now. The former token ends.

    The invitation is the actor's from now on. Raises `InvitationClosed`.
    """
    row, token = lock(invitation), new_invitation_token()
    row.invited_by = person_of(actor)
    set_token(row, token)
    row.save()
    record_change(row, "invitation.resent", actor, role=row.role)
    return row, token


@transaction.atomic
def withdraw(invitation: Invitation, *, actor: AnyActor) -> None:
    """End an open invitation. Raises `InvitationClosed`."""
    row = lock(invitation)
    row.withdrawn_at = clock.now()
    row.save(update_fields=["withdrawn_at"])
    record_change(row, "invitation.withdrawn", actor, role=row.role)


def find(token_digest: str) -> Invitation | None:
    """The invitation that can be accepted with this token now, or None."""
    rows = Invitation.objects.acceptable(clock.now()).filter(digest=token_digest)
    return rows.select_related("organization", "invited_by").first()


@transaction.atomic
def accept(invitation: Invitation, user: User, *, origin: Actor = NOWHERE) -> Membership:
    """Make the account a member. Works once.

    Raises `OtherAddress`, `InvitationClosed` and `members.AlreadyMember`.
    """
    if not addresses.has_confirmed(user, invitation.email):
        raise OtherAddress(
            f"This invitation is for {invitation.email}, and you are signed in as {user}. Sign out "
            f"and open the link in the mail again, or ask for an invitation to {user}."
        )
    claim(invitation)
    return join(invitation, user, origin.acting_as(user))


@transaction.atomic
def accept_with_new_account(
    invitation: Invitation, password: str, *, origin: Actor = NOWHERE
) -> Membership:
    """Create the account of the invited address and make it a member. Works once.

    Raises `InvitationClosed` and `AccountExists`.
    """
    claim(invitation)
    email = invitation.email
    if addresses.account_of(email):
        raise account_exists(email)
    try:
        with transaction.atomic():
            user = User.objects.create_user(username=email, email=email, password=password)
    except IntegrityError:
        raise account_exists(email) from None
    addresses.confirm_address(user)
    return join(invitation, user, origin.acting_as(user))


def claim(invitation: Invitation) -> None:
    """Mark the invitation as accepted, once, before anything else. Raises `InvitationClosed`."""
    if endings.is_ending(invitation.organization):
        raise InvitationClosed(
            f"{invitation.organization} is about to be erased, so nobody joins it. An owner can "
            "undo that; open the link again then."
        )
    refuse_without_inviter(invitation)
    now = clock.now()
    rows = Invitation.objects.acceptable(now).filter(pk=invitation.pk, digest=invitation.digest)
    if not rows.update(accepted_at=now):
        raise InvitationClosed(
            "This invitation was accepted, withdrawn or sent again, or it is older than seven "
            "days. Ask an owner of the organization for a new one."
        )


def refuse_without_inviter(invitation: Invitation) -> None:
    """Raises `InvitationClosed` when the person who sent it may no longer invite anybody."""
    inviter = invitation.invited_by
    if inviter is None:
        return
    rows = Membership.objects.of(invitation.organization).filter(user=inviter)
    role = rows.filter(user__is_active=True).values_list("role", flat=True).first()
    if role is None or not allows(role, Action.MANAGE):
        raise InvitationClosed(
            f"{inviter}, who sent this invitation, may no longer invite people to "
            f"{invitation.organization}. Ask an owner to send it again."
        )


def join(invitation: Invitation, user: User, actor: Actor) -> Membership:
    membership = members.add(invitation.organization, user, invitation.role, actor=actor)
    record_change(invitation, "invitation.accepted", actor, role=invitation.role)
    return membership


def account_exists(email: str) -> AccountExists:
    return AccountExists(f"{email} has an account already. Sign in with it to accept.")


def lock(invitation: Invitation) -> Invitation:
    """The open invitation, locked. Raises `InvitationClosed`."""
    row = Invitation.objects.open().select_for_update().filter(pk=invitation.pk).first()
    if row is None:
        raise InvitationClosed(f"The invitation of {invitation.email} is no longer open.")
    return row


def set_token(invitation: Invitation, token: str) -> None:
    invitation.digest, invitation.sent_at = digest(token), clock.now()
    invitation.expires_at = invitation.sent_at + VALID_FOR
