"""The gateway secret: no lesser scope gets plain secrets at `/link/oauth2/token`."""

import json
from datetime import timedelta
from uuid import uuid4

from django.test import Client
from django.urls import reverse

from sequin_admin.access.models import Scope
from sequin_admin.audit.models import Event
from sequin_admin.connect.models import AuthorizationRequest
from sequin_admin.core import clock
from sequin_admin.credentials import gateway_secrets
from sequin_admin.credentials.models import GatewaySecret
from tests.dashboard.conftest import age_login
from tests.factories import make_oauth_app
from tests.gateway.conftest import BACK


def exchange(app, code, secret):
    body = {"client_id": str(app.pk), "client_secret": secret, "code": code}
    return Client().post("/link/oauth2/token", json.dumps(body), "application/json")


def test_who_sets_the_client_secret_gets_no_credential(api, app, code):
    """The hole: a key with `write` only set the secret that opened the exchange."""
    assert api.patch(f"/v1/oauth-apps/{app.pk}", {"client_secret": "mine"}).status_code == 200

    answer = exchange(app, code, "mine")

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "make one" in answer.json()["error_description"]
    assert "refresh_token" not in answer.content.decode()


def test_write_alone_neither_makes_the_secret_nor_sets_an_address(make_client, organization, app):
    one = f"/v1/oauth-apps/{app.pk}"
    new = {"provider": "hubspot", "name": "N", "client_id": "i", "client_secret": "s"}
    for scopes in ([Scope.READ, Scope.WRITE], [Scope.READ, Scope.SECRETS]):
        key = make_client(organization, *scopes)
        assert key.post(f"{one}/gateway-secret", {}).status_code == 403
        evil = {"redirect_uris": ["https://evil.test/"]}
        assert key.patch(one, evil).status_code == 403
        assert key.post("/v1/oauth-apps", {**new, **evil}).status_code == 403
    app.refresh_from_db()
    assert app.redirect_uris == [BACK]
    assert not GatewaySecret.objects.exists()


def test_the_same_addresses_are_no_change(api, app):
    sent = {"name": "Renamed", "redirect_uris": [BACK]}

    assert api.patch(f"/v1/oauth-apps/{app.pk}", sent).status_code == 200


def test_it_is_made_shown_once_and_audited(make_client, organization, app, code):
    key = make_client(organization, Scope.READ, Scope.WRITE, Scope.SECRETS)

    made = key.post(f"/v1/oauth-apps/{app.pk}/gateway-secret", {})

    secret = made.json()["client_secret"]
    assert made.status_code == 201
    assert made["Cache-Control"] == "no-store"
    assert secret not in json.dumps(list(GatewaySecret.objects.values()), default=str)
    assert secret not in key.get(f"/v1/oauth-apps/{app.pk}").content.decode()
    event = Event.objects.get(action="oauth_app.gateway_secret_made")
    assert secret not in json.dumps(event.details)
    assert exchange(app, code, secret).status_code == 200


def test_it_rotates_with_an_overlap(app, code, monkeypatch):
    _, first = gateway_secrets.rotate(app, actor=None)
    _, second = gateway_secrets.rotate(app, actor=None, overlap=timedelta(hours=1))

    assert gateway_secrets.matches(app, first)
    assert gateway_secrets.matches(app, second)
    at = clock.now() + timedelta(hours=1, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: at)
    assert not gateway_secrets.matches(app, first)
    assert gateway_secrets.matches(app, second)


def test_without_an_overlap_the_former_ends_at_once(app):
    _, first = gateway_secrets.rotate(app, actor=None)
    _, second = gateway_secrets.rotate(app, actor=None, overlap=timedelta())

    assert not gateway_secrets.matches(app, first)
    assert gateway_secrets.matches(app, second)


def test_the_secret_of_another_app_is_refused(organization, app, code):
    other = make_oauth_app(organization, "hubspot")
    _, secret = gateway_secrets.rotate(other, actor=None)

    assert exchange(app, code, secret).status_code == 401
    assert exchange(other, code, secret).json()["error"] == "invalid_grant"


def test_no_apps_address_serves_another_app(make_client, organization, app):
    """Also for kinds whose client is the customer's."""
    key = make_client(organization)
    other = make_oauth_app(organization, "hubspot")
    sent = {"credential_kind": "servicenow_oauth2", "redirect_url": BACK}

    for wrong in (str(other.pk), str(uuid4())):
        answer = key.post("/v1/credentials/start-auth", {**sent, "oauth_app_id": wrong})
        assert answer.status_code == 422
    right = key.post("/v1/credentials/start-auth", {**sent, "oauth_app_id": str(app.pk)})
    assert right.status_code == 200
    assert AuthorizationRequest.objects.get().oauth_app is None


def test_the_page_makes_and_rotates_it(client, user, app):
    client.force_login(user)
    age_login(client)
    address = reverse("dashboard:oauth_app_gateway_secret", args=[app.pk])
    login = client.get(address)
    assert "reauthenticate" in login["Location"]
    client.post(login["Location"], {"password": "spice must flow"})

    made = client.post(address)
    rotated = client.post(address, {"hours": "0"})

    assert "sqg_" in made.content.decode()
    assert "sqg_" in rotated.content.decode()
    assert GatewaySecret.objects.get().former_until is None
    detail = client.get(reverse("dashboard:oauth_app", args=[app.pk])).content.decode()
    assert GatewaySecret.objects.get().prefix in detail
