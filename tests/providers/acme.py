"""Acme, as the README adds it: `test_one_file.py` runs this in a copy of the code that has it."""

import json

import pytest
from django.urls import reverse

from sequin_admin.access.models import Scope
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health import probes

ADD = ("dashboard:add", ["acme_key"])


@pytest.fixture(autouse=True)
def acme(script, settings):
    """Acme's API, which knows any key."""
    settings.PROVIDER_BASE_URLS = {"api.acme.example": script.url}
    script.say(*[(200, {"account": "arrakis"})] * 9)
    return script


@pytest.fixture
def entered(client, user):
    """The credential of a key that somebody entered."""
    client.force_login(user)
    client.post(reverse(ADD[0], args=ADD[1]), {"secret": "ak_spice"})
    return Credential.objects.get()


def test_a_key_is_entered_and_probed(entered, acme):
    assert type(entered) is kinds.get("acme_key")
    assert entered.properties == {"account": "arrakis"}
    assert entered.secrets == {"secret": "ak_spice"}
    assert entered.health_status == "healthy"
    assert acme.seen[0][2]["Authorization"] == "Bearer ak_spice"


def test_a_wrong_key_is_told_what_it_looks_like(client, user):
    client.force_login(user)

    page = client.post(reverse(ADD[0], args=ADD[1]), {"secret": "spice"})

    assert page.status_code == 422
    assert "It looks like ak_..." in page.content.decode()


def test_the_page_has_a_guide_a_source_and_a_tile(client, user):
    client.force_login(user)

    page = client.get(reverse(ADD[0], args=ADD[1])).content.decode()

    assert "In Acme open the page with its API key." in page
    assert "Copy from there: Secret key." in page
    assert "https://acme.example/docs" in page
    assert "tile-acme" in page


def test_a_worker_gets_the_key(entered, make_client, organization):
    worker = make_client(organization, Scope.SECRETS)

    token = worker.get(f"/v1/credentials/{entered.pk}/token").json()

    assert token["headers"] == {"Authorization": "Bearer ak_spice"}


def test_a_refused_key_is_the_customers(entered, acme):
    acme.answers[:] = [(401, {})] * 9

    outcome = probes.verify(entered)

    assert outcome.verdict is Verdict.CUSTOMER
    assert outcome.message == "Acme does not accept this API key."


def test_the_document_has_its_schema(client):
    document = json.loads(client.get("/v1/openapi.json").content)

    schema = document["components"]["schemas"]["AcmeKeyProperties"]

    assert set(schema["required"]) == {"kind", "secret"}
