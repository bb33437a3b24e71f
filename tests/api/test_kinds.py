"""/v1/kinds"""

import pytest

from sequin_admin.access.models import Scope
from sequin_admin.credentials import kinds

URL = "/v1/kinds"


@pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)
def test_every_kind_says_what_it_takes(api, kind):
    shown = api.get(f"{URL}/{kind.slug}").json()

    declared = kind.properties_class
    assert (shown["provider"], shown["title"]) == (kind.provider, kind.full_title())
    assert [row["name"] for row in shown["properties"]] == list(declared.names())
    secret = {row["name"] for row in shown["properties"] if row["secret"]}
    assert secret == set(declared.secret_names())
    assert shown["rate_limit"] == kind.rate.model_dump()
    assert [plan["title"] for plan in shown["plans"]] == [plan.title for plan in kind.plans]
    assert (shown["oauth"] is None) == (kind.oauth is None)


def test_an_oauth_kind_says_what_to_register(api, settings):
    shown = api.get(f"{URL}/hubspot_oauth2").json()["oauth"]

    assert shown["needs_oauth_app"]
    assert shown["redirect_uri"] == f"{settings.PUBLIC_URL}/link/oauth2/callback/hubspot"
    assert shown["scopes"] == list(kinds.get("hubspot_oauth2").oauth.scopes)


def test_a_kind_that_is_installed_says_which_address_the_provider_opens(api, settings):
    shown = api.get(f"{URL}/shopify_oauth2").json()["oauth"]

    assert shown["install_url"] == f"{settings.PUBLIC_URL}/link/shopify/install/{{oauth_app_id}}"
    assert api.get(f"{URL}/hubspot_oauth2").json()["oauth"]["install_url"] == ""


def test_pages_hold_every_kind_once(api):
    seen, cursor = [], ""
    while cursor is not None:
        answer = api.get(URL, limit=4, cursor=cursor).json()
        seen += [row["kind"] for row in answer["data"]]
        cursor = answer["next_cursor"]

    assert seen == [kind.slug for kind in kinds.all()]


def test_kinds_are_filtered_by_provider(api):
    found = {row["kind"] for row in api.get(URL, provider="stripe").json()["data"]}

    assert found == {"stripe_key", "stripe_oauth2"}
    assert api.get(URL, provider="spice").json()["data"] == []


def test_an_unknown_kind_is_not_found(api):
    assert api.get(f"{URL}/spice_key").status_code == 404


def test_reading_takes_the_scope_read(make_client, organization):
    writes = make_client(organization, Scope.WRITE)

    assert writes.get(URL).status_code == 403
    assert writes.get(f"{URL}/stripe_key").status_code == 403
