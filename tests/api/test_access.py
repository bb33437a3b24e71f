"""Who may: keys, scopes, organizations."""

from uuid import UUID

import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Membership, Organization, Scope
from sequin_admin.access.policy import Role
from sequin_admin.api.urls import api as declared
from sequin_admin.audit.models import Event
from sequin_admin.connect import links
from sequin_admin.credentials import kinds
from sequin_admin.health.models import Incident, naming
from sequin_admin.notices import channels, outbox
from sequin_admin.notices.models import ChannelKind
from sequin_admin.syncs import streams
from tests.conftest import make_member
from tests.factories import make_credential, make_oauth_app, make_synced, sample_properties
from tests.notified import notice

PATHS = declared.get_openapi_schema()["paths"].items()
OPERATIONS = [(method.upper(), path) for path, methods in PATHS for method in methods]

LEASE = "1.2.3.nobody"
# What an operation takes before it looks for the object, by the end of its path.
BODIES = {
    "/token/refresh": {"fingerprint": "0123456789abcdef"},
    "/contact": {"contact_email": ""},
    "/permits/release": {"releases": [{"lease": LEASE}]},
    "/secrets": {"properties": sample_properties(kinds.get("stripe_key"))},
}
# What stands in paths besides ids.
WORDS = {"lease": LEASE, "collection_id": "stripe:customer", "kind": "stripe_key"}
# Kinds are nobody's.
OWNED = [(method, path) for method, path in OPERATIONS if "{" in path and "/kinds/" not in path]
# Where a stranger finds something: the kinds, the own organization, that a key was made for it.
NOT_EMPTY = [
    *("/v1/api-keys", "/v1/api-keys/me", "/v1/events", "/v1/health", "/v1/kinds"),
    *("/v1/members", "/v1/organization"),
]


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


def make_rows(organization):
    """New rows of `organization`, by the name of the parameter that takes their id."""
    credential = make_credential(organization, "stripe_key")
    app = make_oauth_app(organization, "hubspot")
    incident = Incident.objects.create(**naming(credential), code="broken", message="It broke.")
    webhook = channels.create(
        organization, ChannelKind.WEBHOOK, actor=None, name="hook", address="https://a.test/"
    )
    (delivery,) = outbox.post(organization, notice())
    channel = channels.create(
        organization, ChannelKind.MAIL, actor=None, name="mail", address="ops@arrakis.test"
    )
    link = links.create_reconnect(organization, credential, actor=None)
    sync, target, consumer = make_synced(credential)
    member = make_member(organization, "duncan@arrakis.test", Role.VIEWER)
    rows = {
        "credential_id": credential,
        "oauth_app_id": app,
        "incident_id": incident,
        "webhook_id": webhook,
        "channel_id": channel,
        "link_id": link,
        "sync_id": sync,
        "stream_id": streams.create(organization, actor=None, slug="prod"),
        "target_id": target,
        "consumer_id": consumer,
        "event_id": Event.objects.of(organization.pk).first(),
        "api_key_id": keys.create(organization, name="ours", scopes=[Scope.READ], actor=None)[0],
        "member_id": Membership.objects.get(user=member),
    }
    ids = {name: row.pk for name, row in rows.items()}
    return {**ids, "delivery_id": delivery.uid, **WORDS}


def address(path, organization):
    """The path of a route with the ids of new rows of `organization`."""
    return path.format(**make_rows(organization))


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
    rows = {name: pk for name, pk in make_rows(organization).items() if name not in WORDS}
    giedi_prime = Organization.objects.get(slug="giedi-prime")
    theirs = make_client(giedi_prime, *Scope)

    answer = theirs.get(path)

    ids = {str(pk) for pk in (*rows.values(), organization.pk) if isinstance(pk, UUID)}
    assert not [pk for pk in ids if pk in answer.content.decode()]
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
