"""The search for everything: groups, actions by role, what was viewed, and only one's own."""

import re

import pytest
from django.urls import reverse

from sequin_admin.access.models import Organization
from sequin_admin.connect import links
from sequin_admin.dashboard.areas import PAGES
from sequin_admin.health.models import Cause
from tests.conftest import confirm_login
from tests.factories import make_credential, make_oauth_app, make_synced

pytestmark = pytest.mark.django_db


@pytest.fixture
def arrakis(organization, user):
    make_oauth_app(organization, "hubspot", name="Arrakis app")
    row = make_credential(
        organization, "stripe_key", name="Arrakis", metadata={"customer": "c-000777"}
    )
    make_synced(row, name="Arrakis sync")
    links.create(organization, [row], actor=user, name="Arrakis link")
    return row


def titles(response):
    return [section.title for section in response.context["sections"]]


def names(response, title):
    return next(
        ([link.name for link in s.links] for s in response.context["sections"] if s.title == title),
        [],
    )


def test_one_answer_in_groups(client, user, arrakis):
    client.force_login(user)

    response = client.get("/search", {"q": "arrakis"})

    assert titles(response)[:4] == ["Credentials", "OAuth apps", "Syncs", "Connect links"]
    assert names(response, "Credentials") == ["Arrakis"]
    assert reverse("dashboard:credential", args=[arrakis.pk]) in response.text


@pytest.mark.parametrize("text", ["customer:c-000777", "provider:stripe c-000777"])
def test_a_filter_finds_in_every_group_that_knows_it(client, user, arrakis, text):
    client.force_login(user)

    assert names(client.get("/search", {"q": text}), "Credentials") == ["Arrakis"]


def test_a_filter_that_fails_is_shown_and_nothing_is_lost(client, user, arrakis):
    client.force_login(user)

    response = client.get("/search", {"q": "arrakis status:green"})

    assert titles(response) == []
    assert "status is one of healthy, customer, us, unchecked, disabled." in response.text
    assert "arrakis status:green" in response.text


def test_a_cause_is_found_and_every_page_by_its_name(client, user, organization, arrakis):
    cause = Cause.objects.create(
        organization=organization, code="invalid_grant", entity="credential", name="Caladan"
    )
    client.force_login(user)

    response = client.get("/search", {"q": "caladan"})

    assert reverse("dashboard:cause", args=[cause.pk]) in response.text
    for page in PAGES:
        assert page.title in names(client.get("/search", {"q": page.title}), "Pages")


def test_a_page_has_the_title_by_which_it_is_found(owner, arrakis):
    confirm_login(owner)
    others = {}

    for page in PAGES:
        # The reference of the API has the title of its document.
        if page.name != "api:openapi-view":
            shown = re.findall(r"<title>(.*?)</title>", owner.get(page.url).text)
            if not shown or not shown[0].startswith(page.title):
                others[page.title] = shown

    assert others == {}


@pytest.mark.parametrize(("who", "found"), [("user", ["Invite a member"]), ("viewer", [])])
def test_actions_are_those_that_the_role_may_do(client, request, who, found):
    client.force_login(request.getfixturevalue(who))

    assert names(client.get("/search", {"q": "invite"}), "Actions") == found


def test_what_was_viewed_comes_first_while_nothing_is_asked(client, user, organization, arrakis):
    other = make_credential(organization, "stripe_key", name="Caladan", identity="acct_other")
    client.force_login(user)
    for row in (arrakis, other, arrakis):
        client.get(reverse("dashboard:credential", args=[row.pk]))
    other.delete()

    response = client.get("/search")

    assert titles(response) == ["Recently viewed"]
    assert names(response, "Recently viewed") == ["Arrakis"]


def test_nothing_of_another_organization(client, stranger, arrakis):
    client.force_login(stranger)

    response = client.get("/search", {"q": "arrakis"})

    assert "Arrakis" not in response.text.replace("arrakis", "")


def test_the_page_takes_few_queries(client, user, arrakis, django_assert_max_num_queries):
    client.force_login(user)

    with django_assert_max_num_queries(12):
        client.get("/search", {"q": "arrakis"})


def test_the_overlay_gets_the_answer_alone(client, user, arrakis):
    client.force_login(user)

    response = client.get("/search", {"q": "arrakis"}, headers={"HX-Request": "true"})

    assert "<html" not in response.text
    assert "Arrakis sync" in response.text


def test_another_organization_has_its_own_recent_rows(client, user, arrakis):
    other = Organization.objects.create(name="Caladan", slug="caladan")
    other.memberships.create(user=user, role="owner")
    client.force_login(user)
    client.get(reverse("dashboard:credential", args=[arrakis.pk]))
    client.post(reverse("dashboard:switch_organization"), {"organization": other.pk})

    assert titles(client.get("/search")) == []
