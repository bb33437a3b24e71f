"""Tokens for sync workers: all a call needs, and one refresh for many rejections."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx2
import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from oauthlib.oauth1 import Client as Signer

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Scope
from sequin_admin.api.credentials.tokens import record_token_read
from sequin_admin.audit.models import Event
from sequin_admin.connect import credential_operations
from sequin_admin.core import clock
from sequin_admin.core.fields import Sealed
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens import renewal
from sequin_admin.tokens.models import Token
from tests.browser.kinds import STORIES
from tests.factories import make_credential
from tests.patience import PATIENCE_S


@pytest.fixture(autouse=True)
def simulator_answers(nobody_answers, simulated, settings):
    settings.SIMULATOR_URL = simulated.url
    keys._cache.clear()


@pytest.fixture
def worker(make_client, organization):
    """A sync worker's API client."""
    return make_client(organization, Scope.SECRETS)


def path_of(credential, ending=""):
    return f"/v1/credentials/{credential.pk}/token{ending}"


def refresh(worker, credential, fingerprint):
    return worker.post(path_of(credential, "/refresh"), {"fingerprint": fingerprint})


def expire(credential):
    past = clock.now() - timedelta(seconds=1)
    Token.objects.filter(credential=credential).update(expires_at=past, next_try_at=None)


def token_calls(simulated, provider):
    return [call for call in simulated.calls(provider) if "token" in call["endpoint"]]


# One cheap call per provider that the token must authorize.
CALLS = {
    "airtable": ("GET", "/v0/meta/whoami"),
    "auth0": ("GET", "/api/v2/users"),
    "checkout_champ": ("POST", "/campaign/query/"),
    "github": ("GET", "/installation/repositories"),
    "hubspot": ("GET", "/crm/v3/objects/contacts"),
    "linear": ("POST", "/graphql"),
    "marketo": ("GET", "/rest/v1/leads.json"),
    "netsuite": ("GET", "/services/rest/record/v1/metadata-catalog"),
    "quickbooks": ("GET", "/v3/company/9130357849987654321/companyinfo/9130357849987654321"),
    "salesforce": ("GET", "/services/data/v66.0/limits"),
    "sendgrid": ("GET", "/v3/scopes"),
    "servicenow": ("GET", "/api/now/table/sys_user"),
    "shopify": ("GET", "/admin/api/2026-10/products.json"),
    "stripe": ("GET", "/v1/account"),
    "workday": ("GET", "/ccx/api/v1/arrakis_dpt1/workers"),
}


@pytest.mark.parametrize("slug", STORIES)
def test_what_a_worker_gets_opens_the_provider(worker, connected, slug):
    """The response alone is enough for the call, which goes directly to the provider."""
    credential = connected(slug)

    answered = worker.get(path_of(credential))

    assert answered.status_code == 200, answered.content
    given = answered.json()
    assert given["kind"] == slug
    if given["login"]:
        assert given["login"] == credential.call_login()
        return
    method, path = CALLS[credential.provider]
    headers, url = given["headers"], given["base_url"] + path
    if given["signing"]:
        real = given["signing"].pop("base_url") + path
        headers = Signer(given["signing"].pop("client_key"), **given["signing"]).sign(real)[1]
    sent = {"json": {"query": "{ organization { id } }"}} if path == "/graphql" else {}
    sent = {"data": given["fields"]} if given["fields"] else sent
    answer = httpx2.request(
        method, url, headers=headers, timeout=PATIENCE_S, trust_env=False, **sent
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("slug", ["hubspot_oauth2", "stripe_key"])
def test_a_token_is_read_with_one_query_and_decrypted_once(worker, connected, monkeypatch, slug):
    credential = connected(slug)
    worker.get(path_of(credential))
    opened, original = [], Sealed.open

    def counting(sealed, row):
        opened.append(row)
        return original(sealed, row)

    monkeypatch.setattr(Sealed, "open", counting)

    with CaptureQueriesContext(connection) as queries:
        assert worker.get(path_of(credential)).status_code == 200

    assert len(queries) == 1, [query["sql"] for query in queries]
    assert queries[0]["sql"].startswith("SELECT")
    assert len(opened) == 1


def test_each_reader_gets_the_credential_that_was_asked_for(worker, connected):
    """The query is compiled once: it must keep no value of an earlier call."""
    first, second = connected("hubspot_oauth2"), connected("stripe_key")

    kinds_given = [worker.get(path_of(c)).json()["kind"] for c in (first, second, first)]

    assert kinds_given == ["hubspot_oauth2", "stripe_key", "hubspot_oauth2"]


def test_an_expired_key_reads_nothing_more_at_once(worker, connected):
    credential = connected("hubspot_oauth2")
    assert worker.get(path_of(credential)).status_code == 200

    ApiKey.objects.update(expires_at=clock.now() - timedelta(seconds=1))

    assert worker.get(path_of(credential)).status_code == 401


def test_the_token_and_its_end_are_of_one_version(worker, connected, monkeypatch):
    """A renewal between our two reads must not give the old token the new expiry."""
    credential = connected("hubspot_oauth2")
    original = renewal.get_access_token

    def overtaken(*args, **options):
        text = original(*args, **options)
        token = Token.objects.get()
        token.secrets = {**token.secrets, "access_token": "newer"}
        token.expires_at = clock.now() + timedelta(hours=9)
        token.version += 1
        token.save()
        return text

    expire(credential)
    monkeypatch.setattr(renewal, "get_access_token", overtaken)

    assert worker.get(path_of(credential)).json()["headers"] == {"Authorization": "Bearer newer"}


def test_a_revoked_key_reads_nothing_more_at_once(worker, connected):
    credential = connected("hubspot_oauth2")
    assert worker.get(path_of(credential)).status_code == 200

    keys.revoke(ApiKey.objects.get(), actor=None)

    assert worker.get(path_of(credential)).status_code == 401
    assert (
        worker.get("/v1/credentials/5b1f2d6e-0000-4000-8000-000000000000/token").status_code == 401
    )


def test_reading_takes_the_scope_secrets(make_client, organization):
    credential = make_credential(organization, "stripe_key")
    reader = make_client(organization, Scope.READ, Scope.WRITE)

    assert reader.get(path_of(credential)).status_code == 403


def test_no_cache_keeps_a_token(worker, connected):
    assert worker.get(path_of(connected("stripe_key")))["Cache-Control"] == "no-store"


def test_a_token_that_would_end_too_soon_is_renewed_first(worker, connected, simulated):
    credential = connected("hubspot_oauth2")
    first = worker.get(path_of(credential)).json()["fingerprint"]
    now = clock.now()
    Token.objects.update(
        issued_at=now - timedelta(minutes=20), expires_at=now + timedelta(minutes=10)
    )

    assert worker.get(path_of(credential), min_ttl=300).json()["fingerprint"] == first
    assert worker.get(path_of(credential), min_ttl=900).json()["fingerprint"] != first


def test_asking_for_more_life_than_the_provider_gives_renews_only_once(
    worker, connected, simulated
):
    """HubSpot's tokens are valid for half an hour."""
    credential = connected("hubspot_oauth2")
    first = worker.get(path_of(credential), min_ttl=3600).json()["fingerprint"]

    assert worker.get(path_of(credential), min_ttl=3600).json()["fingerprint"] == first


@pytest.mark.parametrize("min_ttl", ["-1", "3601", "soon"])
def test_a_life_that_no_provider_gives_is_refused(worker, organization, min_ttl):
    credential = make_credential(organization, "stripe_key")

    answer = worker.get(path_of(credential), min_ttl=min_ttl)

    assert answer.status_code == 422
    assert "min_ttl" in answer.json()["validation_errors"]


def test_a_dead_access_says_whose_move_it_is(worker, connected, simulated):
    credential = connected("hubspot_oauth2")
    simulated.act("hubspot", "21902692", "revoke")
    expire(credential)

    answer = worker.get(path_of(credential))

    assert answer.status_code == 409
    assert "The customer must connect the account again" in answer.json()["summary"]


def test_an_outage_asks_to_come_again(worker, connected, simulated):
    credential = connected("hubspot_oauth2")
    simulated.fault("hubspot", "outage")
    expire(credential)

    answer = worker.get(path_of(credential))

    assert answer.status_code == 503
    assert int(answer["Retry-After"]) >= 1
    assert "we try again" in answer.json()["summary"]

    in_ten = clock.now() + timedelta(minutes=10)
    Token.objects.update(next_try_at=in_ten)
    assert 590 <= int(worker.get(path_of(credential))["Retry-After"]) <= 600


def test_a_disabled_credential_gives_nothing(worker, connected, user):
    credential = connected("stripe_key")
    credential_operations.disable(credential, actor=user)

    answer = worker.get(path_of(credential))

    assert answer.status_code == 409
    assert "Enable it first" in answer.json()["summary"]


def test_a_refused_token_is_replaced(worker, connected, simulated):
    credential = connected("hubspot_oauth2")
    first = worker.get(path_of(credential)).json()

    second = refresh(worker, credential, first["fingerprint"]).json()

    assert second["fingerprint"] != first["fingerprint"]
    assert worker.get(path_of(credential)).json()["fingerprint"] == second["fingerprint"]


def test_who_complains_late_gets_the_new_token_without_another_call(worker, connected, simulated):
    credential = connected("hubspot_oauth2")
    old = worker.get(path_of(credential)).json()["fingerprint"]
    new = refresh(worker, credential, old).json()["fingerprint"]
    calls = len(token_calls(simulated, "hubspot"))

    assert refresh(worker, credential, old).json()["fingerprint"] == new
    assert len(token_calls(simulated, "hubspot")) == calls


@pytest.mark.django_db(transaction=True)
def test_fifty_workers_with_the_same_dead_token_cause_one_refresh(worker, connected, simulated):
    credential = connected("linear_oauth2")
    old = worker.get(path_of(credential)).json()["fingerprint"]
    calls = len(token_calls(simulated, "linear"))

    def complain(_):
        try:
            return refresh(worker, credential, old).json()["fingerprint"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(50) as pool:
        got = set(pool.map(complain, range(50)))

    assert len(got) == 1
    assert got != {old}
    assert len(token_calls(simulated, "linear")) == calls + 1


def test_a_key_that_still_works_is_given_again(worker, connected):
    credential = connected("stripe_key")
    given = worker.get(path_of(credential)).json()

    assert refresh(worker, credential, given["fingerprint"]).json() == given


def test_a_key_that_works_no_more_is_the_customers(worker, connected, simulated):
    credential = connected("stripe_key")
    given = worker.get(path_of(credential)).json()
    simulated.act("stripe", "acct_1Arrakis0000001", "expire_key")

    answer = refresh(worker, credential, given["fingerprint"])

    assert answer.status_code == 409
    assert "The customer must" in answer.json()["summary"]
    assert Credential.objects.get().health_status == "customer_intervention"


def test_reads_are_audited_in_samples(worker, connected):
    credential = connected("stripe_key")
    for _ in range(3):
        worker.get(path_of(credential))

    event = Event.objects.about(credential).get(action="credential.token_read")
    assert event.actor_type == "apikey"


def test_a_reader_of_many_credentials_leaves_one_row_for_each(organization, worker, rf):
    """For any number: a cache with evictions would write a row per read."""
    request, kind = rf.get("/"), kinds.get("stripe_key")
    request.auth = ApiKey.objects.get()
    many = [kind(organization=organization, name=f"Account {number}") for number in range(500)]

    for credential in [*many, *many]:
        record_token_read(request, credential)

    assert Event.objects.filter(action="credential.token_read").count() == len(many)
