"""A provider's page, and the grid that leads to it."""

from datetime import timedelta

import pytest

from sequin_admin.core import clock
from sequin_admin.health import outage_history
from sequin_admin.health.models import Outage
from sequin_admin.limits.models import UsageSummary
from tests.dashboard.conftest import address
from tests.factories import make_credential, make_oauth_app

DAY = timedelta(days=1)


@pytest.fixture
def hubspot(organization):
    """Three credentials, the first 10 days old."""
    app = make_oauth_app(organization, "hubspot", name="Ornithopter")
    statuses = ("healthy", "customer_intervention", "customer_intervention")
    rows = [
        make_credential(
            organization, "hubspot_oauth2", oauth_app=app, identity=str(n), health_status=status
        )
        for n, status in enumerate(statuses)
    ]
    type(rows[0]).objects.filter(pk=rows[0].pk).update(created_at=clock.now() - 10 * DAY)
    return rows


def words_of(answer) -> str:
    return " ".join(answer.content.decode().split())


def test_the_grid_leads_to_what_is_known_of_a_provider(
    owner, organization, hubspot, django_assert_max_num_queries
):
    make_credential(organization, "stripe_key", name="Elsewhere")
    summary = {"hour_share": 0.91, "hour_granted": 12, "provider": "hubspot"}
    UsageSummary.objects.create(organization=organization, credential=hubspot[0], **summary)
    url = address("provider", "hubspot")
    assert url in owner.get("/").content.decode()

    with django_assert_max_num_queries(12):
        page = words_of(owner.get(url))

    assert "3 credentials</a> in all" in page
    assert 'count-number">2<' in page
    assert "Ornithopter" in page
    assert "91 %" in page
    assert "/docs/kinds/#hubspot_oauth2" in page
    assert "Elsewhere" not in page
    assert "no outage" in page


def test_a_provider_without_credentials_has_a_page_and_an_unknown_one_none(owner):
    page = words_of(owner.get(address("provider", "stripe")))

    assert "0 credentials" in page
    assert "nothing known yet" in page
    assert owner.get(address("provider", "nobody")).status_code == 404


def test_outages_count_since_the_first_credential(organization, hubspot):
    now = clock.now()
    for began, hours in ((40, 9), (5, 6)):
        at = now - began * DAY
        Outage.objects.create(
            provider="hubspot",
            opened_at=at,
            cleared_at=at + timedelta(hours=hours),
            message="Down.",
        )

    history = outage_history.get_outage_history(organization, "hubspot")

    assert len(history.outages) == 1
    assert history.down == timedelta(hours=6)
    assert abs(history.known - 10 * DAY) < timedelta(minutes=1)
    assert history.uptime == pytest.approx(1 - 6 / 240, abs=1e-4)
    assert [bool(day.known) for day in history.days] == [False] * 79 + [True] * 11


def test_an_outage_that_lasts_is_down_till_now(organization, hubspot):
    Outage.objects.create(
        provider="hubspot", opened_at=clock.now() - timedelta(hours=1), message="Down."
    )

    history = outage_history.get_outage_history(organization, "hubspot")

    assert abs(history.down - timedelta(hours=1)) < timedelta(minutes=1)
