"""Break-glass: access of staff to one organization, told to its owners and marked in its log."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse

from sequin_admin.access import staff_access
from sequin_admin.access.models import (
    ApiKey,
    Membership,
    Organization,
    SignInRules,
    StaffAccess,
    User,
)
from sequin_admin.access.policy import Action, Role, still_may
from sequin_admin.access.sign_in_rules import rules_of
from sequin_admin.access.staff import StaffRefusal
from sequin_admin.audit.models import Event
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from tests.conftest import make_member
from tests.factories import make_credential

HOUR = timedelta(hours=1)


@pytest.fixture
def helper(db):
    return User.objects.create_superuser(username="irulan", email="irulan@corrino.test")


def open_access(organization, helper, **given):
    given = {"reason": "Ticket 12", "duration": HOUR, **given}
    return staff_access.open_access(organization, actor=helper, **given)


def events(action):
    return list(Event.objects.filter(action=action))


def test_staff_see_nothing_of_an_organization_before(client, helper, organization, user):
    client.force_login(helper)

    assert client.get("/").status_code == 403


def test_the_verb_opens_it_and_the_owners_are_mailed(client, helper, organization, user, viewer):
    client.force_login(helper)
    verb = reverse("admin:access_organization_verb", args=[organization.pk, "access"])

    assert client.post(verb, {"reason": "", "hours": "1"}).status_code == 422
    assert client.post(verb, {"reason": "Ticket 12", "hours": "9"}).status_code == 422
    assert client.post(verb, {"reason": "Ticket 12", "hours": "2"}).status_code == 302

    access = StaffAccess.objects.get()
    assert access.expires_at - access.opened_at == 2 * HOUR
    (message,) = mail.outbox
    assert message.to == [user.email]
    assert "Ticket 12" in message.body
    assert reverse("dashboard:organization") in message.body
    (event,) = events("staff_access.opened")
    assert event.organization_id == organization.pk
    assert event.details["reason"] == "Ticket 12"


def test_it_shows_the_pages_and_says_so(client, helper, organization, user):
    open_access(organization, helper)
    client.force_login(helper)

    page = client.get("/").content.decode()

    assert "You are staff here" in page
    assert "Ticket 12" in page


@pytest.mark.parametrize("may_edit", [False, True])
def test_it_never_gives_secrets_members_or_keys(client, helper, organization, user, may_edit):
    credential = make_credential(organization, "stripe_key")
    open_access(organization, helper, may_edit=may_edit)
    client.force_login(helper)
    owner = Membership.objects.get(user=user)

    assert client.get(reverse("dashboard:reveal", args=[credential.pk])).status_code == 403
    for name, args in {
        "api_key_add": [], "member_add": [], "organization": [], "oauth_app_picker": [],
        "member_remove": [owner.pk], "member_role": [owner.pk],
    }.items():  # fmt: skip
        url = reverse(f"dashboard:{name}", args=args)
        answer = client.post(url, {"email": "irulan@corrino.test", "role": "owner"})
        assert answer.status_code in (403, 405), name
        if answer.status_code == 405:
            assert client.get(url).status_code == 403, name
    assert not Membership.objects.filter(user=helper).exists()
    assert not ApiKey.objects.exists()


def test_editing_only_when_asked_for(client, helper, organization, user):
    credential = make_credential(organization, "stripe_key")
    disable = reverse("dashboard:disable", args=[credential.pk])
    client.force_login(helper)

    viewing = open_access(organization, helper)
    assert client.post(disable).status_code == 403
    staff_access.end_access(viewing, actor=helper)
    editing = open_access(organization, helper, may_edit=True)
    assert client.post(disable).status_code == 302

    assert Credential.objects.get().disabled_at
    (event,) = events("credential.disabled")
    assert event.details["staff"] is True
    assert event.details["staff_access"] == str(editing.pk)


def test_every_page_is_in_the_log_once(client, helper, organization, user):
    make_credential(organization, "stripe_key")
    open_access(organization, helper)
    client.force_login(helper)

    for _ in range(2):
        client.get("/credentials/", {"q": "who was searched for"})
        client.get("/credentials/", headers={"HX-Request": "true"})
    client.get("/organization/")

    used = [event.details for event in reversed(events("staff_access.used"))]
    assert [(each["path"], each["status"]) for each in used] == [
        ("/credentials/", 200),
        ("/organization/", 403),
    ]
    assert "searched" not in str(used)


ACTIONS = {"verify_selected": "credential.verified", "disable_selected": "credential.disabled"}


def select(client, action, *credentials):
    page = reverse("admin:providers_stripekey_changelist")
    chosen = [str(credential.pk) for credential in credentials]
    sent = client.post(page, {"action": action, "_selected_action": chosen}, follow=True)
    return sent.content.decode()


@pytest.mark.parametrize("action", ACTIONS)
def test_actions_of_the_staff_admin_need_it_with_editing(
    client, simulated, helper, organization, user, action
):
    secret = {"secret": "sk_test_arrakis0000000000000001"}
    stored = make_credential(organization, "stripe_key", properties=secret)
    client.force_login(helper)

    assert "may not edit in Arrakis" in select(client, action, stored)
    viewing = open_access(organization, helper)
    assert "may not edit in Arrakis" in select(client, action, stored)

    assert events(ACTIONS[action]) == []
    assert Credential.objects.get().checked_at is None
    assert Credential.objects.get().disabled_at is None
    staff_access.end_access(viewing, actor=helper)
    editing = open_access(organization, helper, may_edit=True)
    select(client, action, stored)
    (event,) = events(ACTIONS[action])
    assert event.organization_id == organization.pk
    assert event.details["staff_access"] == str(editing.pk)


def test_an_action_on_two_organizations_needs_it_for_both(
    client, helper, organization, user, stranger
):
    (theirs,) = stranger.organizations.all()
    both = [make_credential(each, "stripe_key") for each in (organization, theirs)]
    open_access(organization, helper, may_edit=True)
    client.force_login(helper)

    assert f"may not edit in {theirs.name}" in select(client, "disable_selected", *both)
    assert not Credential.objects.exclude(disabled_at=None).exists()


def test_what_staff_do_as_members_is_theirs(helper, organization, user):
    Membership.objects.create(organization=organization, user=helper, role=Role.VIEWER)

    assert helper.audit_details(organization.pk) == {}
    with pytest.raises(StaffRefusal, match="You are a member"):
        open_access(organization, helper)


def test_it_ends_by_itself(client, helper, organization, user):
    access = open_access(organization, helper)
    client.force_login(helper)
    StaffAccess.objects.update(expires_at=clock.now())

    assert client.get("/").status_code == 403
    assert not still_may(helper, organization, Action.VIEW)
    assert not StaffAccess.objects.get(pk=access.pk).is_open


@pytest.mark.parametrize("column", ["is_staff", "is_active"])
def test_it_ends_with_the_account(client, helper, organization, user, column):
    open_access(organization, helper)
    User.objects.filter(pk=helper.pk).update(**{column: False})
    client.force_login(helper)

    assert client.get("/").status_code in (302, 403)
    assert not still_may(helper, organization, Action.VIEW)


def test_an_owner_ends_it(client, helper, organization, user):
    open_access(organization, helper)
    client.force_login(user)
    shown = client.get(reverse("dashboard:organization")).content.decode()
    end = re.search(r'action="(/organization/staff-access/[^"]+)"', shown)[1]

    client.post(end)

    (event,) = events("staff_access.ended")
    assert event.actor == user.email
    client.force_login(helper)
    assert client.get("/").status_code == 403


def test_only_owners_end_it(client, helper, organization, user, stranger):
    access = open_access(organization, helper)
    admin = make_member(organization, "gurney@arrakis.test", Role.ADMIN)
    end = reverse("dashboard:staff_access_end", args=[access.pk])

    for person, status in ((admin, 403), (stranger, 404), (helper, 403)):
        client.force_login(person)
        assert client.post(end).status_code == status
    with pytest.raises(StaffRefusal, match="Only its holder"):
        staff_access.end_access(access, actor=admin)
    assert StaffAccess.objects.get().is_open


def test_its_holder_ends_it_in_the_staff_admin(client, helper, organization, user):
    access = open_access(organization, helper)
    client.force_login(helper)

    client.post(reverse("admin:access_staffaccess_verb", args=[access.pk, "end"]))

    assert not StaffAccess.objects.get().is_open


@pytest.mark.parametrize("duration", [timedelta(), 4 * HOUR + timedelta(seconds=1)])
def test_it_lasts_four_hours_at_most(helper, organization, user, duration):
    with pytest.raises(StaffRefusal, match="at most 4 hours"):
        open_access(organization, helper, duration=duration)


def test_one_at_a_time(helper, organization, user):
    open_access(organization, helper)

    with pytest.raises(StaffRefusal, match="is open"):
        open_access(organization, helper)
    assert len(mail.outbox) == 1


def test_nothing_opens_when_the_owners_are_not_told(helper, organization, user, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

    with pytest.raises(StaffRefusal, match="could not be mailed"):
        open_access(organization, helper)
    User.objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(StaffRefusal, match="no active owner"):
        open_access(organization, helper)
    assert not StaffAccess.objects.exists()


def test_staff_without_the_permission_do_not_open_it(client, organization, user):
    helper = User.objects.create_user(username="f", email="f@corrino.test", is_staff=True)
    client.force_login(helper)
    verb = reverse("admin:access_organization_verb", args=[organization.pk, "access"])

    assert client.post(verb, {"reason": "x", "hours": "1"}).status_code == 403
    with pytest.raises(StaffRefusal, match="Ask a superuser"):
        open_access(organization, helper)


def test_links_that_staff_open_are_not_written_down(client, helper, organization, user):
    """Their path is a token."""
    open_access(organization, helper)
    client.force_login(helper)

    client.get("/link/oauth2/start/a-token-of-a-customer")

    assert events("staff_access.used") == []


def test_own_memberships_come_first_and_accesses_behind_in_one_query(
    organization, user, helper, stranger, django_assert_num_queries
):
    (caladan,) = stranger.organizations.all()
    third = Organization.objects.create(name="Ix", slug="ix")
    for each in (third, Organization.objects.create(name="Kaitain", slug="kaitain")):
        Membership.objects.create(organization=each, user=helper, role=Role.ADMIN)
    ended = open_access(organization, helper)
    staff_access.end_access(ended, actor=helper)
    accesses = [open_access(each, helper, may_edit=True) for each in (organization, caladan)]
    SignInRules.objects.create(organization=caladan, second_factor=True)

    with django_assert_num_queries(1):
        found = staff_access.memberships_of_staff(helper)
        rules = [rules_of(each.organization).second_factor for each in found]

    assert [str(each.organization) for each in found] == ["Ix", "Kaitain", "Arrakis", str(caladan)]
    assert [each.staff_access for each in found] == [None, None, *accesses]
    assert [each.role for each in found] == [Role.ADMIN, Role.ADMIN, Role.MEMBER, Role.MEMBER]
    assert {each.user for each in found} == {helper}
    assert rules == [False, False, False, True]


def test_a_right_that_is_asked_again_counts_staff_access_while_it_lasts(organization, user, helper):
    access = open_access(organization, helper, may_edit=True)

    assert still_may(helper, organization, Action.EDIT)
    assert not still_may(helper, organization, Action.REVEAL)
    assert not still_may(helper, organization, Action.MANAGE)
    staff_access.end_access(access, actor=user)
    assert not still_may(helper, organization, Action.EDIT)
