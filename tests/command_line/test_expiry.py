"""`sequin-admin expiry`."""

from datetime import timedelta

import pytest

from sequin_admin.core import clock
from sequin_admin.credentials.models import OAuthApp
from tests.factories import make_credential, make_oauth_app

DAY = timedelta(days=1)


@pytest.mark.django_db(transaction=True)
def test_it_shows_what_ends_and_the_changes_that_touch_you(run, organization):
    assert "Nothing ends in the next 180 days." in run("expiry").err
    day = f"{clock.now() + 30 * DAY:%Y-%m-%d}"
    named = ("--name", "Main app", "--client-id", "x", "--secret-ends-on", day)
    made = run("oauth-apps", "create", "hubspot", *named, stdin="secret")
    make_credential(organization, "netsuite_tba")

    shown = run("expiry")

    assert made.code == shown.code == 0
    assert OAuthApp.objects.get().secret_ends_at.strftime("%Y-%m-%dT%H:%M") == f"{day}T00:00"
    assert f"{day}T00:00:00Z" in shown.out
    assert "With release 2028.2; no day is published (tentative)" in shown.out
    make_oauth_app(organization, "linear", secret_ends_at=clock.now() + 3 * DAY, name="Soon")
    soon = run("expiry", "--days", "5", "--json")
    assert soon.code == 1
    assert [row["name"] for row in soon.json["data"]] == ["Soon"]
    assert [row["change"] for row in soon.json["changes"]] == ["netsuite-tba-ends"]
    assert run("expiry", "--provider", "hubspot").code == 0
    assert run("expiry", "--what", "nonsense").code == 3
