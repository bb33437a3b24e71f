"""One invitation that is used a hundred times at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import reverse

from sequin_admin.access import invitations
from sequin_admin.access.models import Invitation, Membership, User
from sequin_admin.access.policy import Role
from sequin_admin.audit.models import Event

USES, AT_ONCE = 100, 40
JESSICA, SECRET = "jessica@arrakis.test", "the litany against fear"
pytestmark = pytest.mark.django_db(transaction=True)


def in_parallel(use):
    """The results of `use`, called in threads with connections of their own."""

    def run(_):
        try:
            return use()
        finally:
            connections.close_all()

    connection.close()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, range(USES)))


def test_one_newcomer_gets_in(organization, user):
    _, token = invitations.create(organization, JESSICA, Role.MEMBER, actor=user)
    clients = [Client() for _ in range(USES)]
    for client in clients:
        client.get(reverse("invitation_open", args=[token]))

    answers = in_parallel(
        lambda: (
            clients.pop()
            .post(reverse("invitation"), {"password1": SECRET, "password2": SECRET})
            .status_code
        )
    )

    assert answers.count(302) == 1, answers
    # Closed, or a page that says that the address has an account by now.
    assert set(answers) - {302} <= {410, 200}
    assert User.objects.filter(email=JESSICA).count() == 1
    assert Membership.objects.filter(user__email=JESSICA).count() == 1
    assert Event.objects.filter(action="invitation.accepted").count() == 1


def test_one_use_by_an_account_counts(organization, user, stranger):
    invitations.create(organization, stranger.email, Role.MEMBER, actor=user)

    def use():
        try:
            row = Invitation.objects.select_related("organization", "invited_by").get()
            invitations.accept(row, stranger)
        except invitations.InvitationClosed:
            return False
        return True

    assert in_parallel(use).count(True) == 1
    assert Event.objects.filter(action="member.added").count() == 1
