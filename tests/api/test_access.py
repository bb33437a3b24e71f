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
    "/{run_id}/report": {"fence": 1},
    "/resync": {"collection_id": "stripe:customer"},
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


# These ask about every operation with the same rows, as none may change any.
@pytest.fixture
def ids(organization):
    return make_rows(organization)


@pytest.fixture
def theirs(make_client, stranger):
    """A client of another organization."""
    return make_client(Organization.objects.get(slug="giedi-prime"), *Scope)


def test_nothing_opens_without_a_key(client, ids):
    opened = []

    for method, path in OPERATIONS:
        answer = client.generic(method, path.format(**ids, **WORDS), "{}", "application/json")
        if answer.status_code != 401 or set(answer.json()) != {"summary"}:
            opened.append((method, path, answer.content))

    assert opened == []


def test_another_organizations_key_finds_nothing(theirs, ids):
    found = []

    for method, path in OWNED:
        body = next((body for end, body in BODIES.items() if path.endswith(end)), {})
        answer = theirs.call(method, path.format(**ids, **WORDS), body)
        if answer.status_code != 404:
            found.append((method, path, answer.content))

    assert found == []


def test_lists_show_nothing_of_other_organizations(theirs, organization, ids):
    hidden = {pk for pk in (*ids.values(), str(organization.pk)) if len(pk) == UUID_CHARS}
    shown = []

    for path in [path for path, methods in PATHS if "{" not in path and "get" in methods]:
        answer = theirs.get(path)
        text = answer.content.decode()
        empty = path in NOT_EMPTY or answer.json()["data"] == []
        if not empty or any(part in text for part in (*hidden, "arrakis.test")):
            shown.append((path, text))

    assert shown == []


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
