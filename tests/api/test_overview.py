"""/v1/health"""

import pytest

from sequin_admin.access.models import Scope
from sequin_admin.core import clock
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import Credential
from sequin_admin.health import probes, rollup
from sequin_admin.health.models import Incident
from tests.factories import make_credential, make_oauth_app

URL = "/v1/health"
REJECTED = outcomes.operator("invalid_client", "HubSpot rejects our OAuth app.", "Replace it.")
REVOKED = outcomes.customer("invalid_grant", "HubSpot revoked it.", "Connect again.")


def see(credential, outcome):
    row = Credential.objects.select_related("oauth_app").get(pk=credential.pk)
    rollup.propagate(probes.record_probe(row, outcome))


@pytest.fixture
def fleet(organization):
    """A healthy, a revoked, a blocked, a never probed and a disabled credential."""
    app = make_oauth_app(organization, "hubspot", name="Ornithopter")
    blocked = make_credential(organization, "hubspot_oauth2", oauth_app=app)
    well, revoked, _, off = (
        make_credential(organization, "stripe_key", identity=str(n), name=f"Key {n}")
        for n in range(4)
    )
    Credential.objects.filter(pk=off.pk).update(disabled_at=clock.now())
    for credential, outcome in ((blocked, REJECTED), (well, outcomes.works()), (revoked, REVOKED)):
        see(credential, outcome)


def test_an_empty_organization_has_nothing(api):
    shown = api.get(URL).json()

    assert set(shown["credentials"].values()) == {0}
    assert (shown["providers"], shown["incidents"], shown["transitions"]) == ([], [], [])


def test_the_fleet_is_counted_by_status_and_provider(api, fleet):
    shown = api.get(URL).json()

    assert shown["credentials"] == {
        "total": 5,
        "healthy": 1,
        "customer_intervention": 1,
        "sequin_intervention": 1,
        "unprobed": 1,
        "disabled": 1,
    }
    found = {row["provider"]: (row["credentials"], row["status"]) for row in shown["providers"]}
    assert found == {"hubspot": (1, "sequin_intervention"), "stripe": (4, "customer_intervention")}


def test_what_is_broken_comes_with_who_must_act(api, fleet):
    shown = api.get(URL).json()

    assert [(row["entity"], row["status"]) for row in shown["incidents"]] == [
        ("oauth_app", "sequin_intervention"),
        ("credential", "customer_intervention"),
    ]
    assert shown["open_incidents"] == 2
    assert shown["transitions"][0]["name"] == "Key 1"


@pytest.mark.parametrize(
    ("status", "entities"),
    [
        ("sequin_intervention", ["oauth_app"]),
        ("customer_intervention", ["credential"]),
        ("nobody", ["provider"]),
    ],
)
def test_incidents_are_filtered_by_who_must_act(api, fleet, organization, status, entities):
    Incident.objects.create(
        organization=organization,
        entity="provider",
        entity_id=organization.pk,
        name="Stripe",
        code="outage",
        message="Stripe is down.",
    )

    found = api.get("/v1/incidents", status=status).json()["data"]

    assert [row["entity"] for row in found] == entities


def test_nothing_of_others_is_counted(make_client, stranger, fleet):
    theirs = make_client(stranger.organizations.get())

    assert theirs.get(URL).json()["credentials"]["total"] == 0
    assert theirs.get(URL).json()["open_incidents"] == 0


def test_reading_takes_the_scope_read(make_client, organization):
    assert make_client(organization, Scope.WRITE).get(URL).status_code == 403
