"""How many renewals a second an OAuth app needs, simulated as well as computed."""

import random
from datetime import timedelta
from heapq import heapify, heapreplace

import pytest

from sequin_admin.core import clock
from sequin_admin.tokens import demand, lifetimes
from sequin_admin.tokens.models import Token
from tests.conftest import confirm_login
from tests.edit_forms import submit
from tests.factories import make_credential, make_oauth_app

HOUR_S = 3600
MANY = 100_000


def simulate(tokens: int, life_s: float, per_second: int, hours: int = 6) -> float:
    """The share of the renewals in the last hour that came after their token's end.

    The token that is due the longest comes first, and everybody's first life began within an hour.
    """
    dice, (earliest, latest) = random.Random(7), lifetimes.RENEWED_AT
    due = [dice.uniform(0, life_s) * earliest for _ in range(tokens)]
    heapify(due)
    late = total = 0
    for start in range(hours * HOUR_S * per_second):
        now = start / per_second
        if due[0] > now:
            continue
        waited = now - heapreplace(due, now + life_s * dice.uniform(earliest, latest))
        if now > (hours - 1) * HOUR_S:
            total, late = total + 1, late + (waited > life_s * (1 - latest))
    return late / total


@pytest.mark.parametrize(
    ("per_second", "follows"),
    [(10, "Some end before"), (28, "Some end before"), (34, "late, but before"), (40, "")],
)
def test_100_000_tokens_of_an_hour_need_38_renewals_a_second(per_second, follows):
    computed = demand.compute_demand(MANY, [HOUR_S], per_second)

    too_late = simulate(MANY, HOUR_S, per_second)

    assert round(computed.needed) == 38
    assert computed.is_short is bool(follows)
    assert follows in computed.sentence
    assert too_late > 0.5 if follows.startswith("Some") else too_late == 0


@pytest.fixture
def app(organization):
    """An app with two tokens that live for a second."""
    app = make_oauth_app(organization, "airtable", renewals_per_second=1)
    now = clock.now()
    for number in range(2):
        row = make_credential(organization, "airtable_oauth2", oauth_app=app, identity=f"{number}")
        Token.objects.create(
            credential=row,
            issued_at=now,
            expires_at=now + timedelta(seconds=1),
            refresh_at=now + timedelta(seconds=1),
        )
    return app


def test_its_page_says_when_the_pace_cannot_keep_up(app, client, user):
    client.force_login(user)

    page = client.get(f"/oauth-apps/{app.pk}/").content.decode()

    assert "can&#x27;t keep up: the 2 tokens need about 3 renewals a second" in page
    assert "at most 1 a second" in page


def test_its_page_is_silent_when_it_can(app, client, user):
    app.renewals_per_second = 0
    app.save()
    client.force_login(user)

    page = client.get(f"/oauth-apps/{app.pk}/").content.decode()

    assert "keep up" not in page
    assert "at most 10 a second" in page


def test_the_pace_is_set_in_the_form_and_empty_is_the_usual_one(app, client, user):
    client.force_login(user)
    confirm_login(client)
    url = f"/oauth-apps/{app.pk}/edit/"
    sent = {"name": app.name, "client_id": app.client_id, "client_secret": "", "metadata": "{}"}

    for entered, stored in (("40", 40), ("", 0)):
        assert submit(client, url, {**sent, "renewals_per_second": entered}).status_code == 302
        app.refresh_from_db()
        assert app.renewals_per_second == stored
    assert submit(client, url, {**sent, "renewals_per_second": "1001"}).status_code == 422
