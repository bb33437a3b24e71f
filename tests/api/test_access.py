"""Access by API key, scope and organization."""

import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Organization, Scope
from sequin_admin.api.urls import api as declared
from sequin_admin.credentials import kinds
from tests.api.schema_values import WORDS, make_rows
from tests.factories import make_credential, make_oauth_app, sample_properties

PATHS = declared.get_openapi_schema()["paths"].items()
OPERATIONS = [(method.upper(), path) for path, methods in PATHS for method in methods]

UUID_CHARS = 36
# A valid body of an operation, by the end of its path: the object is looked up afterwards.
BODIES = {
    "/notes": {"text": "x"},
    "/token/refresh": {"fingerprint": "0123456789abcdef"},
    "/contact": {"contact_email": ""},
    "/permits/release": {"releases": [{"lease": WORDS["lease"]}]},
    "/secrets": {"properties": sample_properties(kinds.get("stripe_key"))},
}
# Kinds belong to no organization, and each has its own mail templates.
OWNED = [
    (method, path)
    for method, path in OPERATIONS
    if "{" in path and "/kinds/" not in path and "/mail-templates/" not in path
]
# Where a key of another organization finds rows: kinds, its own organization, its own key event.
NOT_EMPTY = [
    *("/v1/api-keys", "/v1/api-keys/me", "/v1/events", "/v1/health", "/v1/kinds"),
    "/v1/expiry/changes",
    *("/v1/members", "/v1/organization", "/v1/organization/branding"),
    *("/v1/organization/mail-settings", "/v1/mail-templates"),
]


@pytest.fixture(params=["credentials", "oauth-apps"])
def one(request, organization):
    """The path of one row of each resource."""
    if request.param == "credentials":
        return f"/v1/credentials/{make_credential(organization, 'stripe_key').pk}"
    return f"/v1/oauth-apps/{make_oauth_app(organization, 'hubspot').pk}"


@pytest.mark.parametrize("token", ["", "sqn_nonsense"])
def test_a_bad_token_is_401(client, one, token, db):
    answer = client.get(one, headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.json()["summary"]


def test_a_revoked_key_stops_at_once(api, one):
    keys.revoke(ApiKey.objects.get(), actor=None)

    assert api.get(one).status_code == 401


def address(path, organization):
    """The path of a route with the ids of new rows of `organization`."""
    return path.format(**make_rows(organization), **WORDS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_nothing_opens_without_a_key(client, organization, method, path):
    answer = client.generic(method, address(path, organization), "{}", "application/json")

    assert answer.status_code == 401
    assert set(answer.json()) == {"summary"}


@pytest.mark.parametrize(("method", "path"), OWNED)
def test_another_organizations_key_finds_nothing(make_client, organization, stranger, method, path):
    theirs = make_client(Organization.objects.get(slug="giedi-prime"), *Scope)
    body = next((body for end, body in BODIES.items() if path.endswith(end)), {})

    answer = theirs.call(method, address(path, organization), body)

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path", [path for path, methods in PATHS if "{" not in path and "get" in methods]
)
def test_lists_show_nothing_of_other_organizations(make_client, organization, stranger, path):
    ids = {*make_rows(organization).values(), str(organization.pk)}
    giedi_prime = Organization.objects.get(slug="giedi-prime")
    theirs = make_client(giedi_prime, *Scope)

    answer = theirs.get(path)

    assert not [pk for pk in ids if len(pk) == UUID_CHARS and pk in answer.content.decode()]
    assert "arrakis.test" not in answer.content.decode()
    assert path in NOT_EMPTY or answer.json()["data"] == []


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_reading_keys_may_not_write(make_client, organization, one, method):
    reader = make_client(organization, Scope.READ)

    answer = reader.call(method, one, {})

    assert answer.status_code == 403
    assert "scope write" in answer.json()["summary"]


def test_importing_takes_the_scope_write(make_client, organization):
    reader = make_client(organization, Scope.READ)
    properties = {"kind": "stripe_key", "name": "x", "secret": "sk_test_x"}

    assert reader.post("/v1/credentials", {"properties": properties}).status_code == 403


def test_reading_takes_the_scope_read(make_client, organization, one):
    writer = make_client(organization, Scope.WRITE)

    assert writer.get(one).status_code == 403
