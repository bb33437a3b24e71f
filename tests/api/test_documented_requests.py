"""Every request that the original Management API documented, sent as it was documented.

The responses have the documented fields. Where ours differs, the test names the entry of
`sequin_admin/api/openapi/differences.md` that explains the difference.
"""

import json
from datetime import timedelta

import pytest
from django.test import Client

from sequin_admin.access.models import Scope
from sequin_admin.api.openapi import guide
from sequin_admin.connect.models import AuthorizationRequest
from sequin_admin.core import clock
from sequin_admin.credentials import gateway_secrets
from sequin_admin.credentials.properties import MASK
from sequin_admin.tokens import protocol
from tests.factories import make_credential, make_oauth_app, make_synced

REDIRECT = "https://app.arrakis.test/connected"
STATUSES = {"healthy", "customer_intervention", "sequin_intervention"}
# From the objects page and the specification, with valid secrets in place of asterisks.
PROPERTIES = {
    "airtable_oauth2": {
        "airtable_uid": "usrziLeD23j9AJ1",
        "kind": "airtable_oauth2",
        "refresh_token": "an-airtable-refresh-token",
        "scope": "data.records:read data.records:write data.recordComments:read "
        "data.recordComments:write schema.bases:read schema.bases:write webhook:manage",
    },
    "checkout_champ_password": {
        "login_id": "user123",
        "kind": "checkout_champ_password",
        "password": "password123",
    },
    "github_app": {
        "kind": "github_app",
        "account_type": "User",
        "account_login": "paul-atreides",
        "installation_id": "47232440",
    },
    "hubspot_oauth2": {
        "hub_domain": "arrakis.io",
        "hub_id": 21902692,
        "kind": "hubspot_oauth2",
        "refresh_token": "a-hubspot-refresh-token",
        "scopes": [
            *("oauth", "tickets", "e-commerce", "sales-email-read", "crm.lists.read"),
            "crm.objects.contacts.read",
        ],
    },
    "linear_oauth2": {
        "kind": "linear_oauth2",
        "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...",
        "scope": "read write issues:create",
        "linear_org_id": "abc123",
        "linear_org_name": "Arrakis Inc.",
    },
    "salesforce_oauth2": {
        "instance_url": "https://arrakis.my.salesforce.com",
        "kind": "salesforce_oauth2",
        "refresh_token": "a-salesforce-refresh-token",
        "scope": "api refresh_token",
        "sfid": "arrakis",
    },
    "shopify_oauth2": {
        "kind": "shopify_oauth2",
        "access_token": "shpca_ef73c3...",
        "shop": "shop-001.myshopify.com",
    },
    "stripe_oauth2": {
        "kind": "stripe_oauth2",
        "name": "Arrakis [TEST]",
        "secret": "rt_spice",
        "test": True,
    },
    "stripe_key": {
        "kind": "stripe_key",
        "account_id": "acct_1arrakis",
        "name": "Arrakis [TEST]",
        "secret": "sk_test_spice",
        "test": True,
    },
}
SECRETS = {"refresh_token", "access_token", "secret", "password"}
DOCUMENTED = {
    "stream": {"id", "slug", "org_id", "created_at", "updated_at"},
    "credential": {
        *("id", "name", "provider", "properties", "oauth_app_id", "oauth_app", "health"),
        *("metadata", "created_at", "updated_at"),
    },
    "oauth_app": {
        *("id", "provider", "name", "client_id", "client_secret", "health", "metadata"),
        *("created_at", "updated_at"),
    },
    "sync": {
        *("id", "provider", "stream_id", "name", "status", "org_id", "health", "collection_ids"),
        *("rate_limit", "credential_id", "credential", "max_age_days", "sync_frequency"),
        *("initial_backfill_completed_at", "metadata", "created_at", "updated_at"),
    },
    "collection": {"id", "upstream_id", "name", "links", "fields"},
    "field": {"id", "name", "accessor", "type", "primary_key"},
    "refresh": {"credential_id", "last_started_at", "last_succeeded_at", "status", "error"},
    "target": {
        *("id", "name", "kind", "connection", "ssh_tunnel_id", "health", "metadata"),
        *("created_at", "updated_at"),
    },
    "consumer": {
        *("id", "name", "active", "syncs", "target_id", "health", "metadata"),
        *("created_at", "updated_at"),
    },
}
CONNECTION = {
    "host": "db.arrakis.test",
    "port": 5432,
    "database": "spice",
    "username": "sequin",
    "password": "spice-must-flow-0123456789",
}


def deviates(topic):
    """Name the difference that a test shows; fails when there is none of that name."""
    return pytest.mark.parametrize(
        "deviation", [pytest.param(guide.differences()[topic], id=topic)]
    )


def is_a(shape, shown, *, ours=()):
    """Whether a response has every documented field, and otherwise only `ours`."""
    return DOCUMENTED[shape] <= set(shown) and set(shown) - DOCUMENTED[shape] <= set(ours)


CREDENTIAL = {"kind", "rate_limit"}
APP = {"properties", "scopes", "redirect_uris", "renewals_per_second", "secret_ends_at"}


@pytest.fixture
def credential(organization):
    return make_credential(organization, "stripe_key", metadata={"custom_property": 42})


@pytest.fixture
def app(organization):
    return make_oauth_app(organization, "hubspot", redirect_uris=[REDIRECT], metadata={"a": 1})


@pytest.fixture
def synced(credential):
    return make_synced(credential, collection_ids=["stripe:customer"])


class TestCredentials:
    """Section 3."""

    @pytest.mark.parametrize("kind", PROPERTIES)
    def test_import(self, api, kind):
        sent = {"name": "Arrakis", "properties": PROPERTIES[kind], "metadata": {"custom": 42}}

        answer = api.post("/v1/credentials", sent)
        shown = answer.json()

        assert answer.status_code == 201
        assert is_a("credential", shown, ours=CREDENTIAL)
        assert (shown["name"], shown["metadata"]) == ("Arrakis", {"custom": 42})
        assert set(PROPERTIES[kind]) <= set(shown["properties"])
        for name, value in PROPERTIES[kind].items():
            expected = int(value) if name == "installation_id" else value
            assert shown["properties"][name] == (MASK if name in SECRETS else expected)

    def test_import_with_its_oauth_app(self, api, app):
        sent = {"properties": PROPERTIES["hubspot_oauth2"], "oauth_app_id": str(app.pk)}

        shown = api.post("/v1/credentials", sent).json()

        assert shown["oauth_app_id"] == str(app.pk)
        assert is_a("oauth_app", shown["oauth_app"], ours=APP)
        assert shown["oauth_app"]["client_secret"] == MASK

    @deviates("Importing the same account again")
    def test_import_again_updates(self, api, deviation):
        sent = {"properties": PROPERTIES["hubspot_oauth2"]}

        first, again = api.post("/v1/credentials", sent), api.post("/v1/credentials", sent)

        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json()["id"] == again.json()["id"]

    @deviates("The path of the import")
    def test_import_has_no_id_in_its_path(self, api, credential, deviation):
        assert api.post(f"/v1/credentials/{credential.pk}", {}).status_code == 405

    @deviates("`oauth_app_id` of an import")
    def test_import_needs_no_oauth_app(self, api, deviation):
        sent = {"properties": PROPERTIES["stripe_key"]}

        assert api.post("/v1/credentials", sent).json()["oauth_app"] is None

    @deviates("Stripe's secret")
    def test_stripe_calls_it_secret(self, api, deviation):
        properties = {**PROPERTIES["stripe_key"], "secret_key": "sk_test_spice"}

        answer = api.post("/v1/credentials", {"properties": properties})

        assert set(answer.json()["validation_errors"]) == {"properties.secret_key"}

    @deviates("Names of kinds")
    @pytest.mark.parametrize("kind", ["stripe_oauth", "stripe_sequin", "github", "hubspot"])
    def test_other_names_of_kinds_are_refused(self, api, kind, deviation):
        answer = api.post("/v1/credentials", {"properties": {"kind": kind}})

        assert "stripe_oauth2" in answer.json()["validation_errors"]["properties.kind"][0]

    @pytest.mark.parametrize(
        "query",
        [
            {},
            {"provider": "stripe"},
            {"kind": "stripe_key"},
            {"health.status": "healthy"},
            {"metadata": '{"custom_property": 42}'},
        ],
        ids=str,
    )
    def test_list(self, api, credential, query):
        listed = api.get("/v1/credentials", **query).json()

        assert [row["id"] for row in listed["data"]] == [str(credential.pk)]
        assert is_a("credential", listed["data"][0], ours=CREDENTIAL)

    def test_get(self, api, credential):
        shown = api.get(f"/v1/credentials/{credential.pk}").json()

        assert is_a("credential", shown, ours=CREDENTIAL)
        assert shown["health"].keys() == {"status"}

    def test_update(self, api, credential):
        sent = {"name": "New name", "metadata": {"custom_property": 43}}

        shown = api.patch(f"/v1/credentials/{credential.pk}", sent).json()

        assert {name: shown[name] for name in sent} == sent

    def test_update_does_not_replace_the_secret(self, api, credential):
        sent = {"properties": PROPERTIES["stripe_key"]}

        answer = api.patch(f"/v1/credentials/{credential.pk}", sent)

        assert set(answer.json()["validation_errors"]) == {"properties"}

    @deviates("Deleting")
    def test_delete(self, api, credential, deviation):
        assert api.delete(f"/v1/credentials/{credential.pk}").status_code == 204


class TestOAuthApps:
    """Section 4."""

    SENT = {
        "provider": "hubspot",
        "client_id": "a-client-id",
        "client_secret": "a-client-secret",
        "name": "HubSpot production",
        "metadata": {"team": "growth"},
    }

    def test_create(self, api):
        answer = api.post("/v1/oauth-apps", self.SENT)
        shown = answer.json()

        assert answer.status_code == 201
        assert is_a("oauth_app", shown, ours=APP)
        assert {name: shown[name] for name in self.SENT} == {**self.SENT, "client_secret": MASK}

    @pytest.mark.parametrize(
        "query",
        [
            {"provider": "hubspot"},
            {"health.status": "healthy"},
            {"truncate_secrets": "true"},
            {"metadata": '{"a": 1}'},
        ],
        ids=str,
    )
    def test_list(self, api, app, query):
        (shown,) = api.get("/v1/oauth-apps", **query).json()["data"]

        assert is_a("oauth_app", shown, ours=APP)
        assert shown["client_secret"] == MASK

    @deviates("Secrets in answers")
    def test_list_with_secrets(self, make_client, organization, app, deviation):
        may, may_not = make_client(organization, *Scope), make_client(organization)

        shown = may.get("/v1/oauth-apps", truncate_secrets="false").json()

        assert shown["data"][0]["client_secret"] == app.secrets["client_secret"]
        assert may_not.get("/v1/oauth-apps", truncate_secrets="false").status_code == 403

    @deviates("Answer of get and update")
    def test_get_answers_with_the_bare_object(self, api, app, deviation):
        assert is_a("oauth_app", api.get(f"/v1/oauth-apps/{app.pk}").json(), ours=APP)

    @deviates("Answer of get and update")
    def test_update(self, api, app, deviation):
        sent = {"name": "New name", "client_secret": "another", "metadata": {"a": 2}}

        shown = api.patch(f"/v1/oauth-apps/{app.pk}", sent).json()

        assert is_a("oauth_app", shown, ours=APP)
        assert {name: shown[name] for name in sent} == {**sent, "client_secret": MASK}

    @pytest.mark.parametrize("fixed", [{"client_id": "other"}, {"provider": "linear"}], ids=str)
    def test_client_id_and_provider_can_not_change(self, api, app, fixed):
        answer = api.patch(f"/v1/oauth-apps/{app.pk}", fixed)

        assert set(answer.json()["validation_errors"]) == set(fixed)

    @deviates("Redirect addresses")
    def test_redirect_addresses_are_registered_here(self, api, app, deviation):
        shown = api.patch(f"/v1/oauth-apps/{app.pk}", {"redirect_uris": [REDIRECT]}).json()

        assert shown["redirect_uris"] == [REDIRECT]

    @deviates("Deleting")
    def test_delete(self, api, app, deviation):
        assert api.delete(f"/v1/oauth-apps/{app.pk}").status_code == 204


class TestStreams:
    """Section 5."""

    @deviates("Answer of create")
    def test_create(self, api, organization, deviation):
        answer = api.post("/v1/streams", {"slug": "production"})
        shown = answer.json()

        assert answer.status_code == 201
        assert set(shown) == DOCUMENTED["stream"]
        assert (shown["slug"], shown["org_id"]) == ("production", str(organization.pk))

    def test_the_slug_is_unique(self, api):
        api.post("/v1/streams", {"slug": "production"})

        assert api.post("/v1/streams", {"slug": "production"}).status_code in (409, 422)

    def test_list(self, api):
        made = api.post("/v1/streams", {"slug": "production"}).json()

        assert api.get("/v1/streams").json()["data"] == [made]


class TestSyncs:
    """Section 5."""

    SENT = {
        "provider": "stripe",
        "name": "Arrakis invoices",
        "collection_ids": ["stripe:customer", "stripe:invoice"],
        "rate_limit": {"allowed_requests": 10, "interval": 1000, "max_concurrent_requests": 5},
        "max_age_days": 7,
        "sync_frequency": "4h",
        "metadata": {"custom_property": 42},
        "external_id": "customer-42",
    }

    def test_create_with_a_credential_that_is_there(self, api, credential):
        stream = api.post("/v1/streams", {"slug": "production"}).json()
        sent = {**self.SENT, "credential_id": str(credential.pk), "stream_id": stream["id"]}

        answer = api.post("/v1/syncs", sent)
        shown = answer.json()

        assert answer.status_code == 201
        assert is_a("sync", shown, ours={"external_id"})
        assert {name: shown[name] for name in sent} == sent
        assert shown["health"] == {"status": "healthy", "sync_id": shown["id"]}
        assert is_a("credential", shown["credential"], ours=CREDENTIAL)

    def test_create_with_a_credential_sent_along(self, api):
        inline = {"properties": PROPERTIES["stripe_key"], "metadata": {"plan": "pro"}}

        shown = api.post("/v1/syncs", {**self.SENT, "credential": inline}).json()

        assert shown["credential"]["properties"]["secret"] == MASK
        assert shown["credential"]["metadata"] == {"plan": "pro"}
        assert shown["credential_id"] == shown["credential"]["id"]

    @deviates("`stream_id`")
    def test_create_without_a_stream(self, api, credential, deviation):
        sent = {"provider": "stripe", "name": "x", "collection_ids": ["stripe:customer"]}

        shown = api.post("/v1/syncs", {**sent, "credential_id": str(credential.pk)}).json()

        assert shown["stream_id"] is None
        assert (shown["sync_frequency"], shown["max_age_days"]) == ("continuous", None)

    @deviates("`credential` or `credential_id`")
    def test_exactly_one_credential(self, api, credential, deviation):
        inline = {"properties": PROPERTIES["stripe_key"]}
        both = {**self.SENT, "credential": inline, "credential_id": str(credential.pk)}

        assert api.post("/v1/syncs", both).status_code == 422
        assert api.post("/v1/syncs", self.SENT).status_code == 422

    @deviates("`rate_limit.interval`")
    def test_an_interval_in_seconds_is_refused(self, api, credential, deviation):
        seconds = {"allowed_requests": 100, "interval": 60, "max_concurrent_requests": 0}
        sent = {**self.SENT, "credential_id": str(credential.pk), "rate_limit": seconds}

        answer = api.post("/v1/syncs", sent)

        assert set(answer.json()["validation_errors"]) == {"rate_limit.interval"}

    @pytest.mark.parametrize(
        "query",
        [
            {"provider": "stripe"},
            {"health.status": "healthy"},
            {"name": "Invoices"},
            {"metadata": '{"custom_property": 42}'},
        ],
        ids=str,
    )
    def test_list(self, api, credential, query):
        sync, _, _ = make_synced(credential, metadata={"custom_property": 42})

        (shown,) = api.get("/v1/syncs", **query).json()["data"]

        assert shown["id"] == str(sync.pk)
        assert is_a("sync", shown, ours={"external_id"})

    @deviates("Filters of lists")
    def test_list_of_one_stream(self, api, credential, deviation):
        stream = api.post("/v1/streams", {"slug": "production"}).json()
        sent = {**self.SENT, "credential_id": str(credential.pk)}
        api.post("/v1/syncs", sent)
        made = api.post("/v1/syncs", {**sent, "stream_id": stream["id"]}).json()

        listed = api.get("/v1/syncs", stream_id=stream["id"]).json()["data"]

        assert [row["id"] for row in listed] == [made["id"]]

    def test_get(self, api, synced):
        assert is_a("sync", api.get(f"/v1/syncs/{synced[0].pk}").json(), ours={"external_id"})

    def test_update(self, api, synced):
        sent = {n: v for n, v in self.SENT.items() if n not in ("provider", "external_id")}

        shown = api.patch(f"/v1/syncs/{synced[0].pk}", {**sent, "status": "disabled"}).json()

        assert {name: shown[name] for name in sent} == sent
        assert shown["status"] == "disabled"
        assert api.patch(f"/v1/syncs/{synced[0].pk}", {"status": "active"}).status_code == 200

    @pytest.mark.parametrize("name", ["credential", "credential_id", "provider", "stream_id"])
    def test_what_can_not_change(self, api, synced, name):
        answer = api.patch(f"/v1/syncs/{synced[0].pk}", {name: "other"})

        assert set(answer.json()["validation_errors"]) == {name}

    @deviates("Deleting")
    def test_delete_is_refused_while_it_is_in_use(self, api, synced, deviation):
        sync, _, consumer = synced

        assert api.delete(f"/v1/syncs/{sync.pk}").status_code == 409
        api.delete(f"/v1/consumers/postgres/{consumer.pk}")
        assert api.delete(f"/v1/syncs/{sync.pk}").status_code == 204

    @deviates("Health of a sync")
    def test_health_in_full(self, api, synced, deviation):
        shown = api.get(f"/v1/syncs/{synced[0].pk}/health").json()

        assert (shown["status"], shown["sync_id"]) == ("healthy", str(synced[0].pk))


class TestCollections:
    """Section 5."""

    @deviates("Collections before the first reading")
    @pytest.mark.parametrize("query", [{}, {"include": "upstream_metadata"}], ids=str)
    def test_list(self, api, credential, query, deviation):
        ours = {"metadata"} if query else set()
        shown = api.get(f"/v1/collections/{credential.pk}", **query).json()["data"]

        assert "stripe:customer" in [collection["id"] for collection in shown]
        assert all(is_a("collection", collection, ours=ours) for collection in shown)
        assert all(is_a("field", f, ours=ours) for each in shown for f in each["fields"])

    @pytest.mark.parametrize("query", [{}, {"include": "upstream_metadata"}], ids=str)
    def test_get(self, api, credential, query):
        shown = api.get(f"/v1/collections/{credential.pk}/stripe:customer", **query).json()

        assert is_a("collection", shown, ours={"metadata"})
        assert shown["id"] == "stripe:customer"

    @deviates("State of a refresh")
    def test_refresh(self, api, credential, deviation):
        base = f"/v1/collections/{credential.pk}/refresh"
        before = api.get(f"{base}/status").json()

        started = api.post(f"{base}/start").json()

        assert set(before) == set(started) == DOCUMENTED["refresh"]
        assert (before["status"], started["status"]) == ("succeeded", "processing")
        assert api.get(f"{base}/status").json() == started


class TestTargets:
    """Section 6."""

    SENT = {"name": "Warehouse", "connection": CONNECTION, "metadata": {"team": "growth"}}

    def test_create(self, api):
        answer = api.post("/v1/targets/postgres", self.SENT)
        shown = answer.json()

        assert answer.status_code == 201
        assert is_a("target", shown, ours={"ssl_mode", "schema"})
        assert shown["kind"] == "postgres"
        assert shown["connection"] == {**CONNECTION, "password": MASK}

    @deviates("The password in answers")
    def test_the_ends_of_the_password_take_the_scope_secrets(
        self, make_client, organization, synced, deviation
    ):
        one = f"/v1/targets/postgres/{synced[1].pk}"
        reads = make_client(organization, Scope.READ)
        secrets = make_client(organization, Scope.READ, Scope.SECRETS)

        plain, hinted = reads.get(one), secrets.get(one)

        assert plain.json()["connection"]["password"] == MASK
        assert hinted.json()["connection"]["password"] == "spic...6789"
        assert plain["ETag"] == hinted["ETag"]

    @deviates("`ssh_tunnel_id`")
    def test_there_are_no_tunnels(self, api, deviation):
        tunnel = "0f8a13c5-7b8f-42dd-9c1e-6f1d2a3b4c5d"

        answer = api.post("/v1/targets/postgres", {**self.SENT, "ssh_tunnel_id": tunnel})

        assert set(answer.json()["validation_errors"]) == {"ssh_tunnel_id"}
        assert api.post("/v1/targets/postgres", self.SENT).json()["ssh_tunnel_id"] is None

    @deviates("The path")
    def test_the_other_path_is_not_there(self, api, deviation):
        assert api.post("/v1/targets/db", self.SENT).status_code == 404

    def test_update(self, api, synced):
        sent = {"name": "West", "connection": CONNECTION, "metadata": {"team": "data"}}

        shown = api.patch(f"/v1/targets/postgres/{synced[1].pk}", sent).json()

        assert (shown["name"], shown["metadata"]) == ("West", {"team": "data"})
        assert shown["connection"]["host"] == "db.arrakis.test"

    def test_list_and_get(self, api, synced):
        (listed,) = api.get("/v1/targets/postgres").json()["data"]

        assert listed == api.get(f"/v1/targets/postgres/{synced[1].pk}").json()

    @deviates("Trying a connection")
    def test_try_the_connection(self, api, deviation):
        nowhere = {**CONNECTION, "host": "127.0.0.1", "port": 7}
        target = api.post("/v1/targets/postgres", {**self.SENT, "connection": nowhere}).json()

        shown = api.post(f"/v1/targets/postgres/{target['id']}/test_connection").json()

        assert shown["success"] is False
        assert shown["reason"]

    @deviates("Deleting")
    def test_delete_is_refused_while_it_is_in_use(self, api, synced, deviation):
        assert api.delete(f"/v1/targets/postgres/{synced[1].pk}").status_code == 409


class TestConsumers:
    """Section 6."""

    @deviates("`sync_id` of the list")
    @pytest.mark.parametrize("names", [(), ("sync_id",), ("target_id",), ("active", "metadata")])
    def test_list(self, api, synced, names, deviation):
        sync, target, consumer = synced
        known = {"sync_id": sync.pk, "target_id": target.pk, "active": "true", "metadata": "{}"}

        (shown,) = api.get("/v1/consumers/postgres", **{n: known[n] for n in names}).json()["data"]

        assert shown["id"] == str(consumer.pk)
        assert set(shown) == DOCUMENTED["consumer"]
        assert (shown["syncs"], shown["active"]) == ([str(sync.pk)], True)

    @deviates("Making, changing and deleting them")
    def test_create_update_and_delete(self, api, synced, deviation):
        sent = {"name": "All", "active": True, "syncs": ["*"], "target_id": str(synced[1].pk)}

        shown = api.post("/v1/consumers/postgres", {**sent, "metadata": {}}).json()
        address = f"/v1/consumers/postgres/{shown['id']}"

        assert {name: shown[name] for name in sent} == sent
        assert api.patch(address, {"active": False}).json()["active"] is False
        assert api.delete(address).status_code == 204


class TestGateway:
    """Section 9."""

    def test_start_auth(self, api, app):
        sent = {
            "oauth_app_id": str(app.pk),
            "credential_kind": "hubspot_oauth2",
            "redirect_url": REDIRECT,
            "state": {"any": ["json"]},
        }

        shown = api.post("/v1/credentials/start-auth", sent).json()

        assert set(shown) == {"start_url"}
        assert "/link/oauth2/start/" in shown["start_url"]

    @deviates("`state`")
    def test_a_state_of_five_kilobytes_is_enough(self, api, app, deviation):
        sent = {"credential_kind": "hubspot_oauth2", "oauth_app_id": str(app.pk)}
        sent["redirect_url"] = REDIRECT

        fits = api.post("/v1/credentials/start-auth", {**sent, "state": "x" * 4998})
        too_big = api.post("/v1/credentials/start-auth", {**sent, "state": "x" * 4999})

        assert (fits.status_code, too_big.status_code) == (200, 422)
        assert set(too_big.json()["validation_errors"]) == {"state"}

    @pytest.fixture
    def code(self, organization, app):
        """The code of a finished authorization request."""
        AuthorizationRequest.objects.create(
            organization=organization,
            kind="linear_oauth2",
            oauth_app=app,
            redirect_app=app,
            redirect_url=REDIRECT,
            secrets={"state": "a state", "properties": PROPERTIES["linear_oauth2"]},
            token_digest=protocol.digest("token"),
            code_digest=protocol.digest("code"),
            expires_at=clock.now(),
            code_expires_at=clock.now() + timedelta(hours=1),
        )
        return "code"

    @deviates("`client_secret` at `POST /link/oauth2/token`")
    def test_the_client_exchanges_the_code_without_a_key(self, app, code, deviation):
        _, secret = gateway_secrets.rotate(app, actor=None)
        sent = {"code": code, "client_id": str(app.pk), "client_secret": secret}

        answer = Client().post("/link/oauth2/token", json.dumps(sent), "application/json")

        assert answer.json() == {
            "credential": {
                "oauth_app_id": str(app.pk),
                "properties": PROPERTIES["linear_oauth2"],
            },
            "state": "a state",
        }

    @deviates("`POST /v1/credentials/exchange-code`")
    def test_a_key_exchanges_the_code(self, make_client, organization, app, code, deviation):
        secrets, plain = make_client(organization, Scope.SECRETS), make_client(organization)

        assert plain.post("/v1/credentials/exchange-code", {"code": code}).status_code == 403
        shown = secrets.post("/v1/credentials/exchange-code", {"code": code}).json()

        assert set(shown) == {"credential", "state"}
        assert shown["credential"]["properties"] == PROPERTIES["linear_oauth2"]

    @deviates("The code")
    def test_a_code_works_once(self, make_client, organization, code, deviation):
        secrets = make_client(organization, Scope.SECRETS)
        secrets.post("/v1/credentials/exchange-code", {"code": code})

        assert secrets.post("/v1/credentials/exchange-code", {"code": code}).status_code == 422


@deviates("Words of a status")
@pytest.mark.parametrize("status", ["ok", "warn", "error"])
def test_the_early_words_of_health_are_refused(api, status, deviation):
    answer = api.get("/v1/syncs", **{"health.status": status})

    assert set(answer.json()["validation_errors"]) == {"health.status"}


@deviates("Records, events, mutations, proxy and HTTP pull consumers")
@pytest.mark.parametrize("path", ["records", "mutations/run", "http-consumers", "proxy/sync/x/y"])
def test_what_is_not_here(api, path, deviation):
    assert api.get(f"/v1/{path}").status_code == 404
