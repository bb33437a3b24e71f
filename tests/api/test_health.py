"""Health in full, and incidents."""

from uuid import uuid4

import pytest

from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import Credential
from sequin_admin.health import probes, rollup
from sequin_admin.health.models import Incident
from tests.factories import make_credential, make_oauth_app

REJECTED = outcomes.operator("invalid_client", "HubSpot rejects our OAuth app.", "Replace it.")
REVOKED = outcomes.customer("invalid_grant", "HubSpot revoked it.", "Connect again.")


@pytest.fixture
def app(organization):
    return make_oauth_app(organization, "hubspot", name="Ornithopter")


@pytest.fixture
def credential(organization, app):
    return make_credential(organization, "hubspot_oauth2", oauth_app=app)


def see(credential, outcome):
    row = Credential.objects.select_related("oauth_app").get(pk=credential.pk)
    rollup.propagate(probes.record_probe(row, outcome))


def test_health_tells_the_chain_of_reasons_down_to_the_cause(api, credential, app):
    see(credential, outcomes.works())
    see(credential, REJECTED)

    health = api.get(f"/v1/credentials/{credential.pk}/health").json()

    assert health["status"] == "sequin_intervention"
    [reason] = health["reasons"]
    assert (reason["entity"], reason["id"]) == ("oauth_app", str(app.pk))
    assert reason["sentence"].startswith("Blocked by the OAuth app Ornithopter: HubSpot rejects")
    assert {check["name"]: check["status"] for check in health["checks"]}["identity"] == "healthy"
    assert [change["after"] for change in health["history"]] == ["sequin_intervention", "healthy"]
    assert 0 <= health["uptime"] <= 1


def test_an_oauth_apps_health_has_its_own_check(api, credential, app):
    see(credential, REJECTED)

    health = api.get(f"/v1/oauth-apps/{app.pk}/health").json()

    assert [(c["name"], c["code"]) for c in health["checks"]] == [
        ("client_authentication", "invalid_client")
    ]


def test_incidents_are_listed_newest_first_and_by_state(api, credential):
    see(credential, REVOKED)
    see(credential, outcomes.works())
    see(credential, REJECTED)

    names = {
        state: [row["entity"] for row in api.get(f"/v1/incidents?state={state}").json()["data"]]
        for state in ("all", "open", "resolved")
    }

    assert names == {
        "all": ["oauth_app", "credential"],
        "open": ["oauth_app"],
        "resolved": ["credential"],
    }


def test_one_incident_says_who_must_act_and_what_is_affected(api, credential):
    see(credential, REJECTED)

    incident = api.get(f"/v1/incidents/{Incident.objects.get().pk}").json()

    assert (incident["status"], incident["affected"]) == ("sequin_intervention", 1)
    assert incident["resolved_at"] is None


def test_an_unknown_incident_is_404(api):
    assert api.get(f"/v1/incidents/{uuid4()}").status_code == 404
