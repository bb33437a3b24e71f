"""Pages of rate limits: usage, planning, plans, and bulk changes."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits import limiter, sampling
from sequin_admin.limits.models import RateLimit, set_limit
from sequin_admin.limits.permits import CallOutcome
from tests.dashboard.conftest import address
from tests.factories import make_credential

LIMIT = {"allowed_requests": "7", "interval": "1000", "max_concurrent_requests": "2"}
HTMX = {"HX-Request": "true"}


@pytest.fixture
def credential(organization):
    credential = make_credential(organization, "stripe_key", name="Arrakis")
    rate = Rate(allowed_requests=4, interval=60_000, max_concurrent_requests=3)
    set_limit(credential, rate, actor=None)
    return credential


def test_usage_shows_window_calls_and_line(owner, credential):
    limiter.acquire(credential, n=3)

    page = owner.get(address("usage", credential.pk)).content.decode()

    assert "Used of the window: 3 of 4 (75 %)" in page
    assert "In flight <strong>3</strong> of 3" in page
    assert "<strong>4</strong> requests per" in " ".join(page.split())


def test_a_throttle_is_told_with_its_end(owner, credential):
    [lease] = limiter.acquire(credential).leases
    limiter.release(credential, lease, CallOutcome.THROTTLED, retry_after_s=25)

    page = owner.get(address("usage", credential.pk)).content.decode()

    assert "Stripe asked us to slow down: nothing starts for another 25 s" in page


def test_a_store_that_is_away_is_told(owner, credential, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"

    page = owner.get(address("usage", credential.pk))

    assert page.status_code == 200
    assert "Redis could not be asked" in page.content.decode()


def test_charts_have_words(owner, credential):
    limiter.acquire(credential, n=3)
    sampling.record_samples()

    page = owner.get(address("usage", credential.pk)).content.decode()

    assert 'aria-label="Last 24 hours: 3 requests, most of them (3) from' in page
    assert "Last 7 days" in page


def test_the_planner_answers(owner, credential):
    asked = {"records": "1200000", "per_call": "100"}

    page = owner.get(address("usage", credential.pk), asked).content.decode()

    assert "12,000 calls. At this allotment they take about 2 d 2 h." in page


def test_the_planner_refuses_nonsense(owner, credential):
    asked = {"records": "-1", "per_call": "0"}

    page = owner.get(address("usage", credential.pk), asked).content.decode()

    assert "greater than or equal to 1" in page


def test_usage_takes_few_queries(owner, credential):
    owner.get(address("usage", credential.pk))

    with CaptureQueriesContext(connection) as queries:
        owner.get(address("usage", credential.pk))

    assert len(queries) <= 10


@pytest.mark.parametrize("slug", [kind.slug for kind in kinds.all() if kind.plans])
def test_every_plan_fills_the_form_and_is_valid(owner, organization, slug):
    credential = make_credential(organization, slug)
    for number, plan in enumerate(credential.plans):
        page = owner.get(address("limit", credential.pk), {"plan": number}).content.decode()
        assert plan.title in page
        assert f'value="{plan.rate.allowed_requests}"' in page
        RateLimit(credential=credential, **plan.rate.model_dump()).clean_fields()
    assert not RateLimit.objects.exists()


def test_a_plan_that_is_not_there_changes_nothing(owner, credential):
    for odd in ("99", "-1", "²", "x"):
        page = owner.get(address("limit", credential.pk), {"plan": odd})
        assert 'value="4"' in page.content.decode()


def test_what_is_typed_is_read_back(owner):
    said = owner.get(address("limit_pace"), {**LIMIT, "interval": "10000"}).content.decode()
    odd = owner.get(address("limit_pace"), {**LIMIT, "interval": "x"})

    assert "That is 42 per minute." in said
    assert odd.status_code == 200
