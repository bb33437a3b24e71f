"""One invitation that is used a hundred times at once."""

import html

import pytest
from django.test import Client
from django.urls import reverse

from sequin_admin.access import invitations
from sequin_admin.access.models import Invitation, Membership, User
from sequin_admin.access.policy import Role
from sequin_admin.audit.models import Event
from tests.parallel import USES, in_parallel

# What the others read: the invitation is used, or the account that used it is there already, as
# found before the form is read or when it is saved.
CLOSED = "was accepted, withdrawn or sent again"
REFUSALS = (CLOSED, "has an account here. Sign in with it", "has an account already")
JESSICA, SECRET = "jessica@arrakis.test", "the litany against fear"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]


def test_one_newcomer_gets_in(organization, user):
    _, token = invitations.create(organization, JESSICA, Role.MEMBER, actor=user)
    clients = [Client() for _ in range(USES)]
    for client in clients:
        client.get(reverse("invitation_open", args=[token]))

    form = {"password1": SECRET, "password2": SECRET}
    answers = in_parallel(lambda client: client.post(reverse("invitation"), form), clients)

    (one,) = [answer for answer in answers if answer.status_code == 302]
    assert one["Location"] == reverse("dashboard:overview")
    others = [html.unescape(a.content.decode()) for a in answers if a is not one]
    assert len(others) == USES - 1
    assert [text for text in others if not any(refusal in text for refusal in REFUSALS)] == []
    assert User.objects.filter(email=JESSICA).count() == 1
    assert Membership.objects.filter(user__email=JESSICA).count() == 1
    assert Event.objects.filter(action="invitation.accepted").count() == 1


def test_one_use_by_an_account_counts(organization, user, stranger):
    invitations.create(organization, stranger.email, Role.MEMBER, actor=user)

    def use(_):
        row = Invitation.objects.select_related("organization", "invited_by").get()
        try:
            invitations.accept(row, stranger)
        except invitations.InvitationClosed as closed:
            return str(closed)
        return ""

    results = in_parallel(use)

    assert results.count("") == 1
    assert all(CLOSED in sentence for sentence in results if sentence)
    assert Event.objects.filter(action="member.added").count() == 1
