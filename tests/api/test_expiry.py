"""/v1/expiry."""

from datetime import timedelta

import pytest

from sequin_admin.core import clock
from sequin_admin.health import provider_changes
from tests.factories import make_credential, make_oauth_app

DAY = timedelta(days=1)


@pytest.fixture
def ends(organization):
    """Seven secrets end, two of them at the same moment; Shopify touches a credential."""
    now = clock.now()
    for number, days in enumerate((1, 2, 2, 30, 100, 179, 300)):
        make_oauth_app(
            organization, "hubspot", name=f"App {number}", secret_ends_at=now + days * DAY
        )
    shop = make_credential(organization, "shopify_oauth2")
    shop.secrets = {"access_token": "shpat_old"}
    shop.save()


def walk(api, **query):
    rows, cursor = [], ""
    while cursor is not None:
        answer = api.get("/v1/expiry", **query, **({"cursor": cursor} if cursor else {})).json()
        rows, cursor = rows + answer["data"], answer["next_cursor"]
    return rows


@pytest.mark.usefixtures("ends")
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_the_pages_hold_everything_once_soonest_first(api, limit):
    rows = walk(api, limit=limit)

    assert sorted(row["name"] for row in rows) == [f"App {number}" for number in range(6)]
    assert [row["days_left"] for row in rows] == [0, 1, 1, 29, 99, 178]
    assert {row["what"] for row in rows} == {"oauth_app"}
    assert rows[0]["what_to_do"].startswith("Issue a new secret")


@pytest.mark.usefixtures("ends")
def test_filters(api):
    until = (clock.now() + 10 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert len(walk(api, until=until)) == 3
    assert len(walk(api, until="2099-01-01T00:00:00Z")) == 7
    assert [row["name"] for row in walk(api, search="app 3")] == ["App 3"]
    assert walk(api, provider="stripe") == []
    assert walk(api, what="api_key") == []


@pytest.mark.usefixtures("ends")
@pytest.mark.parametrize(
    "query", [{"what": "token"}, {"until": "soon"}, {"cursor": "x"}, {"limit": 0}, {"ends": "x"}]
)
def test_what_is_not_valid_is_refused(api, query):
    assert api.get("/v1/expiry", **query).status_code == 422


@pytest.mark.usefixtures("ends")
def test_changes_say_source_certainty_and_what_they_touch(api):
    every = api.get("/v1/expiry/changes").json()["data"]
    touching = api.get("/v1/expiry/changes", touching="true").json()["data"]

    assert len(every) == len(provider_changes.list_changes())
    assert {each["change"]: each["certainty"] for each in every}["netsuite-tba-ends"] == "tentative"
    (shopify,) = touching
    assert (shopify["change"], shopify["on"]) == ("shopify-expiring-tokens", "2027-01-01")
    assert (shopify["credentials"], shopify["oauth_apps"]) == (1, 0)
    assert shopify["source"]
    found = api.get("/v1/credentials", search=f"change:{shopify['change']}").json()["data"]
    assert len(found) == 1


def test_it_takes_the_scope_read(make_client, organization):
    client = make_client(organization, "permits")

    assert client.get("/v1/expiry").status_code == 403
    assert client.get("/v1/expiry/changes").status_code == 403


def test_the_end_of_an_apps_secret_is_set_kept_and_taken_away(api, organization):
    app = make_oauth_app(organization, "hubspot")
    url = f"/v1/oauth-apps/{app.pk}"

    set_ = api.patch(url, {"secret_ends_at": "2030-05-06T07:00:00+02:00"}).json()
    kept = api.patch(url, {"name": "Renamed"}).json()
    gone = api.patch(url, {"secret_ends_at": None}).json()

    assert set_["secret_ends_at"] == kept["secret_ends_at"] == "2030-05-06T05:00:00Z"
    assert gone["secret_ends_at"] is None
    assert api.patch(url, {"secret_ends_at": "2030-05-06"}).status_code == 422
    api.patch(url, {"secret_ends_at": "2030-05-06T07:00:00Z"})
    assert api.patch(url, {"client_secret": "another"}).json()["secret_ends_at"] is None
