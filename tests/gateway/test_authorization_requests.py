"""The auth gateway for other products: start-auth, browser, code exchange, import."""

import json
from uuid import uuid4

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from sequin_admin.access.models import Scope
from sequin_admin.audit.models import Event
from sequin_admin.connect.models import AuthorizationRequest
from sequin_admin.credentials import gateway_secrets, kinds
from sequin_admin.credentials.models import Credential
from tests.browser.kinds import OAUTH, STORIES, answers
from tests.connect_sessions import query_of
from tests.factories import make_oauth_app
from tests.simulator_server import local

BACK = "https://product.test/callback"
STATE = {"customer": 7, "tags": ["a", None]}


@pytest.fixture
def product(make_client, organization):
    """The API client of another product, with the scopes that the gateway needs."""
    return make_client(organization, Scope.READ, Scope.WRITE, Scope.SECRETS)


@pytest.fixture
def register(make_app, organization):
    """An OAuth app with the product's redirect URI, of any provider where the customer owns the
    client."""

    def register(kind):
        declared = kinds.get(kind)
        if not declared.client_is_ours():
            return make_oauth_app(organization, "hubspot", redirect_uris=[BACK])
        app = make_app(declared.provider)
        app.redirect_uris = [BACK]
        app.save()
        return app

    return register


@pytest.fixture
def go_through(product, register, simulated):
    """From start-auth to the parameters that reach the product's redirect URI."""

    def go_through(kind, *, app=None, allow=True, **body):
        app = app or register(kind)
        body = {"credential_kind": kind, "redirect_url": BACK, "state": STATE, **body}
        body |= {"oauth_app_id": str(app.pk)}
        start_url = product.post("/v1/credentials/start-auth", body).json()["start_url"]
        browser = Client()
        path = local(start_url)
        sent = browser.get(path)
        if sent.status_code == 200:
            sent = browser.post(path, answers(simulated, kinds.get(kind)))
        back = simulated.consent(sent["Location"], account=STORIES[kind].account, allow=allow)
        end = browser.get(local(back))
        assert end["Location"].startswith(BACK)
        return query_of(end["Location"])

    return go_through


def make_secret(app):
    return gateway_secrets.rotate(app, actor=None)[1]


def exchange_as_client(**body):
    return Client().post("/link/oauth2/token", json.dumps(body), "application/json")


@pytest.mark.parametrize("kind", [kind.slug for kind in OAUTH])
def test_every_oauth_kind_can_be_had_and_imported(go_through, product, kind):
    code = go_through(kind)["code"]

    given = product.post("/v1/credentials/exchange-code", {"code": code}).json()
    imported = product.post("/v1/credentials", given["credential"])

    assert given["state"] == STATE
    assert imported.status_code == 201
    assert imported.json()["kind"] == kind
    assert imported.json()["health"] == {"status": "healthy"}


def test_nothing_is_stored_before_the_product_imports_it(go_through):
    go_through("hubspot_oauth2")

    assert not Credential.objects.exists()


def test_the_gateway_secret_exchanges_as_well_as_a_key(go_through, register):
    app = register("linear_oauth2")
    code = go_through("linear_oauth2", app=app)["code"]
    client = {"client_id": str(app.pk), "client_secret": make_secret(app)}

    answer = exchange_as_client(code=code, **client)

    assert answer.status_code == 200
    assert answer.json()["state"] == STATE
    assert answer.json()["credential"]["oauth_app_id"] == str(app.pk)
    assert answer.json()["credential"]["properties"]["access_token"].startswith("lin_")
    assert "no-store" in answer["Cache-Control"]


def test_a_form_is_taken_like_json(go_through, register):
    """RFC 6749 section 4.1.3 specifies a form, the documented API JSON."""
    app = register("linear_oauth2")
    code = go_through("linear_oauth2", app=app)["code"]
    client = {"client_id": str(app.pk), "client_secret": make_secret(app)}

    assert Client().post("/link/oauth2/token", {"code": code, **client}).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "no-uuid"}, 401, "invalid_client"),
        ({"client_id": "5b1f2d6e-0000-4000-8000-000000000000"}, 401, "invalid_client"),
        ({"code": "guessed"}, 400, "invalid_grant"),
        ({"redirect_uri": "https://evil.test/"}, 400, "invalid_grant"),
        ({"code": ""}, 400, "invalid_request"),
        ({"code": ["a"]}, 400, "invalid_request"),
    ],
    ids=str,
)
def test_a_wrong_exchange_is_refused_as_rfc_6749_says(go_through, register, changes, status, error):
    app = register("linear_oauth2")
    right = {
        "code": go_through("linear_oauth2", app=app)["code"],
        "client_id": str(app.pk),
        "client_secret": make_secret(app),
    }

    answer = exchange_as_client(**{**right, **changes})

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"].endswith(".")
    assert exchange_as_client(**right).status_code == 200, "A mistake does not spend the code."


@pytest.mark.parametrize("body", ["", "[]", "{", '"x"', "NaN"])
def test_a_body_that_is_no_object_is_a_bad_request(db, body):
    answer = Client().post("/link/oauth2/token", body, "application/json")

    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_without_a_database_a_program_gets_json_too(db, error):
    def away(*args):
        raise error("connection to server at 10.0.0.5 failed")

    sent = {"client_id": str(uuid4()), "client_secret": "s3cret", "code": "a-code"}
    with connection.execute_wrapper(away):
        answer = Client().post("/link/oauth2/token", sent)

    assert answer.status_code == 503
    assert answer.json()["error"] == "temporarily_unavailable"
    assert int(answer["Retry-After"]) > 0
    assert "10.0.0.5" not in answer.json()["error_description"]


def test_refusing_comes_back_as_an_error(go_through):
    params = go_through("hubspot_oauth2", allow=False, state="mine")

    assert params["error"] == "access_denied"
    assert params["state"] == "mine"


def test_a_code_is_spent_by_its_exchange(go_through, product):
    code = go_through("hubspot_oauth2")["code"]
    product.post("/v1/credentials/exchange-code", {"code": code})

    again = product.post("/v1/credentials/exchange-code", {"code": code})

    assert again.status_code == 422
    assert "exchanged before" in again.json()["validation_errors"]["code"][0]


@pytest.mark.parametrize(
    ("path", "scope", "needed"),
    [("start-auth", Scope.SECRETS, "write"), ("exchange-code", Scope.WRITE, "secrets")],
)
def test_keys_need_the_right_scope(make_client, organization, path, scope, needed):
    client = make_client(organization, scope)
    bodies = {
        "start-auth": {
            "credential_kind": "hubspot_oauth2",
            "redirect_url": BACK,
            "oauth_app_id": str(uuid4()),
        },
        "exchange-code": {"code": "x"},
    }

    answer = client.post(f"/v1/credentials/{path}", bodies[path])

    assert answer.status_code == 403
    assert needed in answer.json()["summary"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"redirect_url": "https://evil.test/"}, "redirect_url"),
        ({"credential_kind": "stripe_key"}, "credential_kind"),
        ({"credential_kind": "nonsense"}, "credential_kind"),
        ({"oauth_app_id": "5b1f2d6e-0000-4000-8000-000000000000"}, "oauth_app_id"),
        ({"state": "x" * 5001}, "state"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_start_that_could_not_end_well_is_refused_by_field(product, register, wrong, field):
    app = register("hubspot_oauth2")
    right = {
        "credential_kind": "hubspot_oauth2",
        "oauth_app_id": str(app.pk),
        "redirect_url": BACK,
    }

    answer = product.post("/v1/credentials/start-auth", {**right, **wrong})

    assert answer.status_code == 422
    assert list(answer.json()["validation_errors"]) == [field]
    assert not AuthorizationRequest.objects.exists()


def test_strings_in_the_state_keep_their_spaces(go_through, product):
    code = go_through("hubspot_oauth2", state="  as it was  ")["code"]

    given = product.post("/v1/credentials/exchange-code", {"code": code}).json()

    assert given["state"] == "  as it was  "


def test_a_start_address_works_in_one_browser_only(product, register):
    app = register("hubspot_oauth2")
    body = {"credential_kind": "hubspot_oauth2", "redirect_url": BACK, "oauth_app_id": str(app.pk)}
    started = product.post("/v1/credentials/start-auth", body).json()["start_url"]
    path = local(started)

    assert Client().get(path).status_code == 302
    second = Client().get(path)

    assert second.status_code == 410
    assert "used already" in second.content.decode()


def test_every_authorization_request_is_audited(go_through, product, organization):
    code = go_through("hubspot_oauth2")["code"]
    product.post("/v1/credentials/exchange-code", {"code": code})

    actions = Event.objects.of(organization.pk).values_list("action", flat=True)
    assert {"handover.started", "handover.exchanged"} <= set(actions)


def test_no_code_is_exchanged_once_its_redirect_uri_is_withdrawn(go_through, register, product):
    app = register("hubspot_oauth2")
    code = go_through("hubspot_oauth2", app=app)["code"]
    client = {"client_id": str(app.pk), "client_secret": make_secret(app)}
    app.redirect_uris = ["https://product.test/another"]
    app.save()

    by_client = exchange_as_client(code=code, **client)
    by_key = product.post("/v1/credentials/exchange-code", {"code": code})

    assert (by_client.status_code, by_client.json()["error"]) == (400, "invalid_grant")
    assert by_key.status_code == 422
    assert "access_token" not in f"{by_client.content}{by_key.content}"
