"""The demo's tour, and removing the demo on its page."""

from datetime import timedelta

import pytest
from django.urls import reverse

from sequin_admin.connect import links
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.demo.models import Demo, TourVisit, mark
from sequin_admin.health.models import Incident, subject_columns
from sequin_admin.limits.models import set_limit
from tests.conftest import make_member
from tests.factories import make_credential

TOUR = reverse("dashboard:tour")
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def demo(organization):
    ready_at = clock.now() - timedelta(minutes=1)
    with clock.at(ready_at - timedelta(days=89)):
        row = make_credential(organization, "stripe_key", name="Caladan Coffee")
    demo = Demo.objects.create(
        organization=organization, days=89, done_days=40, ready_at=ready_at, metered=row.pk
    )
    mark(demo, row)
    return demo


@pytest.fixture
def read(client, user):
    """The tour as the poll of the overview gets it."""

    def read(person=user):
        client.force_login(person)
        return client.get(TOUR, **HTMX).content.decode()

    return read


def break_account(organization, **columns):
    account = make_credential(organization, "checkout_champ_password", name="Mine")
    return Incident.objects.create(
        **subject_columns(account),
        status="customer_intervention",
        code="x",
        message="No.",
        **columns,
    )


def test_it_says_how_far_the_history_is_and_polls_until_nothing_is_left(read, client, user, demo):
    html = read()
    assert "Demo history: 40 of 89 days" in html
    assert "every 4s" in html

    client.post(reverse("dashboard:tour_dismiss"))
    assert "Tour:" not in read()
    Demo.objects.update(done_days=89)

    html = read()
    assert "Demo history" not in html
    assert "every 4s" not in html
    assert "Remove the demo data" in html


def test_each_step_ticks_itself_and_the_last_one_ends_it(read, client, user, organization, demo):
    demo_row = Credential.objects.get()
    assert "Tour: 0 of 5" in read()

    incident = break_account(organization, opened_at=demo.ready_at - timedelta(days=1))
    assert "Tour: 1 of 5" in read(), "its account is there, and broke before the demo was made"
    Incident.objects.filter(pk=incident.pk).update(opened_at=clock.now())
    assert "Tour: 2 of 5" in read()

    shown = client.post(reverse("dashboard:tour_look"))
    assert shown.url == reverse("dashboard:health", args=["credential", incident.entity_id])
    assert "Tour: 3 of 5" in read()

    links.create_reconnect(organization, demo_row, actor=user)
    assert "Tour: 4 of 5" in read()

    set_limit(demo_row, type(demo_row).rate.model_copy(update={"allowed_requests": 1}), actor=user)
    assert "Tour:" not in read()


def test_nobody_is_to_blame_while_nothing_is_broken(client, user, demo):
    client.force_login(user)

    page = client.post(reverse("dashboard:tour_look"), follow=True)

    assert "Nothing is broken yet" in page.content.decode()
    assert not TourVisit.objects.exists()


def test_it_is_dismissed_for_one_person(read, client, organization, demo):
    colleague = make_member(organization, "duncan@arrakis.test", "member")
    assert "Tour: 0 of 5" in read()

    client.post(reverse("dashboard:tour_dismiss"))

    assert "Tour:" not in read()
    assert "Tour: 0 of 5" in read(colleague)


def test_the_page_says_what_is_removed_and_what_stays(client, user, organization, demo):
    client.force_login(user)
    account = Credential.objects.get()
    links.create_reconnect(organization, account, actor=user)
    url = reverse("dashboard:demo_remove")

    html = client.get(url).content.decode()
    assert "1 row of the demo that yours need" in html
    assert reverse("dashboard:credential", args=[account.pk]) in html

    client.post(url)

    assert Credential.objects.get() == account


def test_without_a_demo_there_is_nothing_to_remove(client, user):
    client.force_login(user)

    assert client.get(reverse("dashboard:demo_remove")).status_code == 404
    assert client.post(reverse("dashboard:tour_dismiss")).status_code == 404
    assert client.get(TOUR, **HTMX).status_code == 200
