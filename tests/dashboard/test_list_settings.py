"""Saved views and columns of lists: a person's own, as long as the membership lasts."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from sequin_admin.access import members, staff_access
from sequin_admin.access.models import HiddenColumns, Membership, Organization, SavedView, User
from sequin_admin.access.policy import Role
from sequin_admin.core import clock
from sequin_admin.dashboard.views.list_settings import LISTS
from tests.factories import make_credential

LIST, SAVE, COLUMNS = "/credentials/", "/saved-views/credentials/", "/columns/credentials/"
SICK = "provider=stripe&health=sequin_intervention&sort=name"


@pytest.fixture
def viewing(client, viewer):
    client.force_login(viewer)
    return client


def save(client, name="Sick", query=SICK):
    """What the person is told."""
    return client.post(SAVE, {"name": name, "query": query}, follow=True).content.decode()


def chips(client, query="", path=LIST):
    """Names of the views above the list, and which of them is shown."""
    page = client.get(f"{path}?{query}").content.decode()
    listed = re.search(r'aria-label="Saved views">(.*?)</ul>', page, re.DOTALL)
    chip = re.compile(r'<a class="chip" href=".*?"(.*?)>.*?</svg>\s*(.*?)\s*</a>', re.DOTALL)
    found = chip.findall(listed[1] if listed else "")
    return [name for _, name in found], [name for mark, name in found if "current" in mark]


def test_a_viewer_saves_finds_and_deletes_a_view(viewing):
    page = save(viewing)

    assert "The view Sick is saved." in page
    assert f'href="?{SICK.replace("&", "&amp;")}"' in page
    assert chips(viewing) == (["Sick"], [])
    viewing.post(f"/saved-views/{SavedView.objects.get().pk}/delete/")
    assert chips(viewing) == ([], [])


@pytest.mark.parametrize(
    "query",
    [
        "sort=name&health=sequin_intervention&provider=stripe",
        f"{SICK}&page=1&q=+&kind=&other=1",
    ],
)
def test_the_view_that_is_shown_is_marked_whatever_the_order_of_the_query(viewing, query):
    save(viewing)
    save(viewing, "Other", "q=x")

    assert chips(viewing, query) == (["Other", "Sick"], ["Sick"])


def test_a_view_keeps_what_the_list_knows_and_nothing_else(viewing):
    save(viewing, query=f"{SICK}&format=csv&all=1&page=3&next=//evil.test&q=a%00%26b")
    save(viewing, "Sorted", "q=x&sort=password")
    save(viewing, "As ever", "q=y&sort=newest")

    kept = dict(SavedView.objects.values_list("name", "query"))
    assert kept == {
        "Sick": "q=a%26b&provider=stripe&health=sequin_intervention&sort=name",
        "Sorted": "q=x",
        "As ever": "q=y",
    }


@pytest.mark.parametrize(
    ("name", "query", "sentence"),
    [
        ("", SICK, "a name of 1 to 40 characters"),
        (" \x00\u200b", SICK, "a name of 1 to 40 characters"),
        ("x" * 41, SICK, "a name of 1 to 40 characters"),
        ("All", "page=2", "Search, filter or sort the list first"),
        ("Long", f"q={'x' * 2000}", "too long to be saved"),
    ],
)
def test_a_view_that_cannot_be(viewing, name, query, sentence):
    assert sentence in save(viewing, name, query)

    assert not SavedView.objects.exists()


def test_a_name_of_40_characters_is_saved_once(viewing):
    save(viewing, "x" * 40)

    assert "You have a view named" in save(viewing, "x" * 40, "q=other")
    assert SavedView.objects.get().query == SICK


def test_twenty_views_and_no_more(viewing, viewer):
    membership = Membership.objects.get(user=viewer)
    rows = [SavedView(membership=membership, listed="credentials", name=f"{n}") for n in range(19)]
    SavedView.objects.bulk_create([*rows, SavedView(membership=membership, listed="x", name="y")])

    assert "is saved" in save(viewing, "The twentieth")
    assert "You have 20 views of this list" in save(viewing, "One more")
    assert not SavedView.objects.filter(name="One more").exists()


def test_nobody_sees_or_deletes_the_view_of_another(viewing, user):
    save(viewing)
    viewing.force_login(user)

    answer = viewing.post(f"/saved-views/{SavedView.objects.get().pk}/delete/")

    assert answer.status_code == 404
    assert chips(viewing) == ([], [])
    assert "is saved" in save(viewing)


def test_a_view_is_of_one_organization(viewing, viewer):
    save(viewing)
    other = Organization.objects.create(name="Caladan", slug="caladan")
    Membership.objects.create(organization=other, user=viewer, role=Role.VIEWER)

    viewing.post("/organizations/switch/", {"organization": other.pk})

    assert chips(viewing) == ([], [])
    answer = viewing.post(f"/saved-views/{SavedView.objects.get().pk}/delete/")
    assert answer.status_code == 404


def test_who_comes_back_starts_anew(viewing, viewer, user, organization):
    save(viewing)
    viewing.post(COLUMNS, {"column": "kind"})

    members.remove(Membership.objects.get(user=viewer), actor=user)
    members.add(organization, viewer, Role.VIEWER, actor=user)

    assert chips(viewing) == ([], [])
    assert not HiddenColumns.objects.exists()


def test_they_end_with_the_organization(viewing, organization):
    save(viewing)
    viewing.post(COLUMNS, {"column": "kind"})

    organization.delete()

    assert not SavedView.objects.exists()
    assert not HiddenColumns.objects.exists()


@pytest.mark.parametrize("listed", LISTS)
def test_every_list_has_views_of_its_own(viewing, listed):
    default = LISTS[listed].sorting.default
    turned = default[1:] if default.startswith("-") else f"-{default}"
    first = LISTS[listed].params[0]
    query = f"{first}=x&stream=1&sort={turned}"
    other = "syncs" if listed == "credentials" else "credentials"
    for where in (listed, other):
        sent = {"name": f"of {where}", "query": query}
        viewing.post(reverse("dashboard:saved_view_new", args=[where]), sent)

    path = reverse(f"dashboard:{listed}")

    assert chips(viewing, query, path) == ([f"of {listed}"], [f"of {listed}"])
    kept = SavedView.objects.get(listed=listed).query
    assert ("stream=1" in kept) == (listed == "syncs")
    # The audit log has one order.
    assert kept.endswith(f"&sort={turned}" if default else f"{first}=x")


def test_a_list_of_which_no_views_are_saved(viewing):
    assert viewing.post("/saved-views/members/", {"name": "x", "query": "q=x"}).status_code == 404
    assert viewing.post("/columns/members/").status_code == 404


def headers(client):
    """Titles of the columns."""
    page = client.get(LIST).content.decode()
    head = re.search(r"<thead>.*?</thead>", page, re.DOTALL)[0]
    titles = [re.sub(r"<.*?>|\s", "", each) for each in re.split(r"</th>", head)]
    return [each for each in titles if each]


def test_a_person_chooses_the_columns_of_the_list(viewing, organization, user):
    make_credential(organization, "stripe_key", checked_at=clock.now())
    every = ["Account", "Kind", "Health", "Token", "Limit", "Checked"]
    assert headers(viewing) == every

    answer = viewing.post(COLUMNS, {"column": ["limit", "health", "nonsense"], "query": SICK})

    assert answer["Location"] == f"{LIST}?{SICK}"
    assert headers(viewing) == ["Account", "Health", "Limit"]
    assert re.findall(r'<td data-label="(\w+)"', viewing.get(LIST).text) == ["Health", "Limit"]
    viewing.force_login(user)
    assert headers(viewing)[1:] == every


def test_without_health_a_row_opens_on_a_phone_and_no_row_is_polled(viewing, organization):
    make_credential(organization, "stripe_key")
    polled = re.compile(r'data-live="(\w+)=')
    assert len(polled.findall(viewing.get(LIST).content.decode())) > 1

    viewing.post(COLUMNS, {"column": ["token", "limit"]})

    page = viewing.get(LIST).content.decode()
    assert re.findall(r'<td data-label="(\w+)"', page) == ["Token", "Limit"]
    assert page.count('<details class="row-more') == 1
    assert polled.findall(page) == ["new_credentials"]


def test_staff_keep_nothing(client, organization, user):
    """Their membership is not stored."""
    person = User.objects.create_superuser(username="irulan", email="irulan@corrino.test")
    staff_access.open_access(
        organization, actor=person, reason="test", duration=timedelta(hours=1), may_edit=True
    )
    client.force_login(person)

    assert "Only members" in save(client)
    assert "Only members" in client.post(COLUMNS, follow=True).content.decode()
    assert "Save this view" not in client.get(f"{LIST}?{SICK}").content.decode()


def test_the_list_asks_little(viewing, organization, django_assert_max_num_queries):
    make_credential(organization, "stripe_key")
    save(viewing)

    with django_assert_max_num_queries(12):
        viewing.get(f"{LIST}?{SICK}")
