"""Connections as returned by Nango's API."""

import json

import pytest

from sequin_admin.command_line.formats import read


def connection(provider, credentials, config=None, **more):
    return {
        "id": 1,
        "connection_id": "conn-1",
        "provider_config_key": f"{provider}-prod",
        "provider": provider,
        "credentials": credentials,
        "connection_config": config or {},
        "metadata": None,
        "tags": {},
        **more,
    }


def oauth2(**more):
    raw = {"scope": "read write", "token_type": "bearer"} | more.pop("raw", {})
    tokens = {"access_token": "at", "refresh_token": "rt", "expires_at": "2096-12-01T00:00:00Z"}
    return {"type": "OAUTH2", **tokens, "raw": raw, **more}


def client(**more):
    return {"type": "OAUTH2_CC", "client_id": "c", "client_secret": "s", "token": "t", **more}


CASES = {
    "airtable": (oauth2(), {}, {"refresh_token": "rt", "scope": "read write"}),
    "auth0-cc": (
        client(),
        {"hostName": "acme.us.auth0.com", "audience": "aud"},
        {
            "domain": "acme.us.auth0.com",
            "client_id": "c",
            "client_secret": "s",
            "audience": "aud",
        },
    ),
    "github-app": (
        {"type": "APP", "access_token": "ghs"},
        {"installation_id": "47232440"},
        {
            "account_type": "Organization",
            "account_login": "arrakis",
            "installation_id": 47232440,
        },
    ),
    "hubspot": (
        oauth2(),
        {"portalId": 21902692},
        {
            "hub_domain": "arrakis.io",
            "hub_id": 21902692,
            "refresh_token": "rt",
            "scopes": ["read", "write"],
        },
    ),
    "linear": (
        oauth2(),
        {"organizationId": "abc", "organizationName": "Arrakis"},
        {
            "access_token": "at",
            "refresh_token": "rt",
            "scope": "read write",
            "linear_org_id": "abc",
            "linear_org_name": "Arrakis",
        },
    ),
    "marketo": (
        client(),
        {"endpointURL": "https://123-ABC-456.mktorest.com/rest"},
        {"munchkin_id": "123-ABC-456", "client_id": "c", "client_secret": "s"},
    ),
    "netsuite-tba": (
        {
            "type": "TBA",
            "token_id": "ti",
            "token_secret": "ts",
            "config_override": {"client_id": "ck", "client_secret": "cs"},
        },
        {"accountId": "1234567_SB1"},
        {
            "account_id": "1234567_SB1",
            "consumer_key": "ck",
            "consumer_secret": "cs",
            "token_id": "ti",
            "token_secret": "ts",
        },
    ),
    "quickbooks-sandbox": (
        oauth2(),
        {"realmId": "9130357849987654321"},
        {
            "realm_id": "9130357849987654321",
            "refresh_token": "rt",
            "scope": "read write",
            "sandbox": True,
        },
    ),
    "salesforce-sandbox": (
        oauth2(raw={"id": "https://test.salesforce.com/id/00D5g000004ArrakEA/005x"}),
        {"instance_url": "https://arrakis.my.salesforce.com"},
        {
            "instance_url": "https://arrakis.my.salesforce.com",
            "refresh_token": "rt",
            "scope": "read write",
            "sfid": "00D5g000004ArrakEA",
            "login_host": "test.salesforce.com",
        },
    ),
    "sendgrid": ({"type": "API_KEY", "apiKey": "SG.a.b"}, {}, {"api_key": "SG.a.b"}),
    "servicenow": (
        oauth2(config_override={"client_id": "c", "client_secret": "s"}),
        {"subdomain": "arrakis"},
        {
            "instance_url": "https://arrakis.service-now.com",
            "client_id": "c",
            "client_secret": "s",
            "refresh_token": "rt",
            "scope": "read write",
        },
    ),
    "shopify": (
        oauth2(),
        {"subdomain": "shop-001"},
        {
            "access_token": "at",
            "refresh_token": "rt",
            "shop": "shop-001.myshopify.com",
            "scope": "read write",
        },
    ),
    "stripe": (
        oauth2(raw={"livemode": False, "stripe_user_id": "acct_1"}),
        {},
        {
            "account_id": "acct_1",
            "name": "conn-1",
            "secret": "rt",
            "test": True,
            "scope": "read write",
        },
    ),
    "stripe-api-key": (
        {"type": "BASIC", "username": "rk_live_1", "password": ""},
        {},
        {"name": "conn-1", "secret": "rk_live_1", "test": False},
    ),
    "workday": (
        {"type": "BASIC", "username": "ISU@arrakis", "password": "p"},
        {"hostname": "wd3-impl-services1.workday.com", "tenant": "arrakis"},
        {
            "host": "wd3-impl-services1.workday.com",
            "tenant": "arrakis",
            "username": "ISU@arrakis",
            "password": "p",
        },
    ),
    "workday-refresh-token": (
        {"type": "TWO_STEP", "clientId": "c", "clientSecret": "s", "refreshToken": "rt"},
        {"tokenDomain": "wd3-impl-services1.workday.com", "tenant": "arrakis"},
        {
            "host": "wd3-impl-services1.workday.com",
            "tenant": "arrakis",
            "client_id": "c",
            "client_secret": "s",
            "refresh_token": "rt",
        },
    ),
}
# Not stored by Nango; it is added to the metadata of the connection.
ADDED = {
    "github-app": {"account_type": "Organization", "account_login": "arrakis"},
    "hubspot": {"hub_domain": "arrakis.io"},
}


def read_all(shapes, value, **kinds):
    return read(json.dumps(value).encode(), "auto", shapes, kinds)


@pytest.mark.parametrize("provider", CASES)
def test_a_connection_becomes_a_credential_of_our_kind(shapes, provider):
    credentials, config, wanted = CASES[provider]
    given = connection(provider, credentials, config, metadata=ADDED.get(provider))

    reading = read_all(shapes, [given])

    assert reading.problems == []
    properties = dict(reading.items[0].body["properties"])
    assert shapes[properties.pop("kind")].provider.startswith(provider.partition("-")[0])
    assert properties == wanted


def test_name_tags_and_metadata_come_along_but_for_what_became_a_property(shapes):
    given = connection(
        "hubspot",
        oauth2(),
        {"portalId": 1},
        metadata={"hub_domain": "arrakis.io", "plan": "pro"},
        tags={"team": "sales"},
        end_user={"email": "paul@arrakis.io", "organization": {"display_name": "Arrakis"}},
    )

    body = read_all(shapes, {"connections": [given]}).items[0].body

    assert body["name"] == "Arrakis"
    assert body["metadata"] == {"plan": "pro", "team": "sales", "nango_connection_id": "conn-1"}


def test_what_lacks_is_said_with_what_to_do(shapes):
    reading = read_all(
        shapes,
        [
            connection("hubspot", oauth2()),
            connection("hubspot", None),
            connection("slack", oauth2()),
            "text",
        ],
    )

    said = [problem.sentence for problem in reading.problems]
    assert said[0].startswith("As hubspot_oauth2: `hub_id` is missing. Add it to")
    assert "refresh_token=true" in said[1]
    assert "--map INTEGRATION=KIND" in said[2]
    assert said[3] == "This is not a connection: it must be an object."


def test_an_integration_is_mapped_as_told(shapes):
    given = connection("private-api-key", {"type": "API_KEY", "apiKey": "SG.a.b"})

    reading = read_all(shapes, given, **{"private-api-key-prod": "sendgrid_key"})

    assert reading.items[0].kind == "sendgrid_key"
