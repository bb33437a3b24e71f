"""Who may: keys, scopes, organizations."""

import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Organization, Scope
from sequin_admin.api.urls import api as declared
from sequin_admin.health.models import Incident, naming
from sequin_admin.notices import channels, outbox
from sequin_admin.notices.models import ChannelKind
from sequin_admin.syncs import streams
from tests.factories import make_credential, make_oauth_app, make_synced
from tests.notified import notice

PATHS = declared.get_openapi_schema()["paths"].items()
OPERATIONS = [(method.upper(), path) for path, methods in PATHS for method in methods]

LEASE = "1.2.3.nobody"
# What an operation takes before it looks for the object, by the end of its path.
BODIES = {
    "/token/refresh": {"fingerprint": "0123456789abcdef"},
    "/contact": {"contact_email": ""},
    "/permits/release": {"releases": [{"lease": LEASE}]},
}


@pytest.fixture(params=["credentials", "oauth-apps"])
def one(request, organization):
    """The address of one row of each resource."""
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
    credential = make_credential(organization, "stripe_key")
    app = make_oauth_app(organization, "hubspot")
    incident = Incident.objects.create(**naming(credential), code="broken", message="It broke.")
    webhook = channels.create(
        organization, ChannelKind.WEBHOOK, actor=None, name="hook", address="https://a.test/"
    )
    sync, target, consumer = make_synced(credential)
    (delivery,) = outbox.post(organization, notice())
    return path.format(
        credential_id=credential.pk,
        oauth_app_id=app.pk,
        incident_id=incident.pk,
        webhook_id=webhook.pk,
        delivery_id=delivery.uid,
        lease=LEASE,
        sync_id=sync.pk,
        stream_id=streams.create(organization, actor=None, slug="prod").pk,
        target_id=target.pk,
        consumer_id=consumer.pk,
        collection_id="stripe:customer",
    )


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_nothing_opens_without_a_key(client, organization, method, path):
    answer = client.generic(method, address(path, organization), "{}", "application/json")

    assert answer.status_code == 401
    assert set(answer.json()) == {"summary"}


@pytest.mark.parametrize(("method", "path"), [o for o in OPERATIONS if "{" in o[1]])
def test_another_organizations_key_finds_nothing(make_client, organization, stranger, method, path):
    theirs = make_client(Organization.objects.get(slug="giedi-prime"), *Scope)
    body = next((body for end, body in BODIES.items() if path.endswith(end)), {})

    answer = theirs.call(method, address(path, organization), body)

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path", [path for path, methods in PATHS if "{" not in path and "get" in methods]
)
def test_lists_show_nothing_of_other_organizations(make_client, organization, stranger, path):
    address(path, organization)
    theirs = make_client(Organization.objects.get(slug="giedi-prime"))

    assert theirs.get(path).json()["data"] == []


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
