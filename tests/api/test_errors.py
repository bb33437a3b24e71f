"""Errors: always JSON with a message that quotes no value of the request."""

from copy import deepcopy
from uuid import UUID

import pytest
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sequin_admin.access.models import Scope
from sequin_admin.api.credentials import views
from sequin_admin.api.urls import api as declared
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from tests.factories import extras_of, make_credential, sample_properties

URL = "/v1/credentials"
MARK = "canary7f3e"
STRIPE = {"kind": "stripe_key", "name": "Arrakis", "secret": "sk_test_x", "test": True}


@pytest.mark.parametrize(
    "body",
    [
        "{",
        b"\xff\xfe",
        "[" * 100_000,
        '{"metadata": {"a": NaN}}',
        '{"metadata": {"a": 1e400}}',
        '{"metadata": {"a": "\\u0000"}}',
        '{"metadata": {"\\ud800": 1}}',
    ],
    ids=["cut off", "not utf-8", "deep", "NaN", "infinity", "NUL", "half a pair"],
)
def test_a_body_that_cannot_be_kept_is_400(api, organization, body):
    one = f"{URL}/{make_credential(organization, 'stripe_key').pk}"

    answer = api.client.patch(one, body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["summary"].startswith("The body is not valid JSON")


def test_an_escaped_backslash_is_no_nul(api, organization):
    one = f"{URL}/{make_credential(organization, 'stripe_key').pk}"

    answer = api.patch(one, {"metadata": {"path": r"C:\u0000"}})

    assert answer.json()["metadata"] == {"path": r"C:\u0000"}


@pytest.mark.parametrize("body", ["", "[]", "3", '"text"', "null"])
def test_a_body_that_is_no_object_is_422(api, body):
    answer = api.client.post(URL, body, content_type="application/json")

    assert answer.status_code == 422
    assert list(answer.json()["validation_errors"]) == ["body"]


def test_a_body_too_big_is_413(api):
    answer = api.post(URL, {"metadata": {"a": "x" * 10_000_000}})

    assert answer.status_code == 413
    assert "too big" in answer.json()["summary"]


@pytest.mark.parametrize("last", [str(UUID(int=1)), "no-uuid"])
def test_an_unknown_id_is_404(api, last):
    answer = api.get(f"{URL}/{last}")

    assert answer.status_code == 404
    assert set(answer.json()) == {"summary"}


@pytest.mark.parametrize("address", ["/v1/", "/v1/nothing", "/v1/credentials/"])
def test_an_unknown_address_is_404(api, address):
    assert "nothing at this address" in api.get(address).json()["summary"]


def test_a_wrong_method_is_405(api):
    answer = api.call("PUT", URL, {})

    assert answer.status_code == 405
    assert {"GET", "HEAD", "POST"} == set(answer["Allow"].split(", "))
    assert answer["Allow"] in answer.json()["summary"]


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (DataError("value too long: sk_test_marker"), 422),
        # A row that it needs was deleted meanwhile.
        (IntegrityError("key (secret)=(sk_test_marker) is not present"), 409),
    ],
    ids=["too long for a column", "overtaken"],
)
def test_what_the_database_refuses_is_told_without_values(api, monkeypatch, refusal, status):
    def refused(*args, **kwargs):
        raise refusal

    monkeypatch.setattr(views.credential_operations, "save_credential", refused)
    answer = api.post(URL, {"properties": STRIPE})

    assert answer.status_code == status
    assert "nothing was changed" in answer.json()["summary"].lower()
    assert "marker" not in answer.content.decode()


def test_our_own_mistake_is_500_and_tells_nothing(api, monkeypatch, caplog):
    def broken(*args, **kwargs):
        raise RuntimeError("the secret is sk_test_marker")

    monkeypatch.setattr(views, "one_response", broken)
    api.client.raise_request_exception = False

    answer = api.get(f"{URL}/{UUID(int=1)}")

    assert answer.status_code == 500
    assert "X-Request-Id" in answer.json()["summary"]
    assert "marker" not in answer.content.decode()
    assert [r for r in caplog.records if r.exc_info and r.name == "django.request"]


@pytest.mark.parametrize(
    ("body", "path", "said"),
    [
        ({"properties": STRIPE, "nmae": MARK}, "nmae", "not known"),
        ({"properties": {**STRIPE, "colour": MARK}}, "properties.colour", "not known"),
        ({"properties": STRIPE, "rate_limit": {"pace": MARK}}, "rate_limit.pace", "not known"),
        ({"properties": STRIPE, "oauth_app_id": MARK}, "oauth_app_id", "Send a UUID"),
        ({"properties": STRIPE, "metadata": MARK}, "metadata", "dictionary"),
        ({"properties": {"kind": MARK}}, "properties.kind", "Choose a kind"),
        ({"properties": {"kind": [MARK]}}, "properties.kind", "Choose a kind"),
        ({"properties": MARK}, "properties", "valid"),
        ({"properties": {**STRIPE, "secret": {"a": MARK}}}, "properties.secret", "string"),
        ({"properties": {**STRIPE, "test": MARK}}, "properties.test", "boolean"),
    ],
)
@pytest.mark.parametrize("place", ["", "credentials.1."], ids=["one", "many"])
def test_each_mistake_has_its_path_and_a_sentence(api, body, path, said, place):
    bodies = {"credentials": [{"properties": STRIPE}, body]}

    answer = api.post(f"{URL}/bulk", bodies) if place else api.post(URL, body)

    assert answer.status_code == 422
    sentences = answer.json()["validation_errors"][f"{place}{path}"]
    assert said in sentences[0]
    assert sentences[0].endswith(".")
    assert MARK not in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"limit": f"1{MARK}"}, "integer"),
        ({"limit": "0"}, "greater"),
        ({"health.status": MARK}, "healthy"),
        ({"updated_since": MARK}, "with its zone"),
        ({"sort": MARK}, "created_at"),
        ({"cursor": MARK}, "next_cursor"),
        ({"metadata": MARK}, "JSON object"),
        ({"truncate_secrets": MARK}, "boolean"),
        ({"pace": MARK}, "not known"),
    ],
)
def test_each_query_parameter_that_can_not_be_is_named(api, query, said):
    answer = api.get(URL, **query)

    assert answer.status_code == 422
    assert list(answer.json()["validation_errors"]) == list(query)
    assert said in answer.json()["validation_errors"][next(iter(query))][0]
    assert MARK not in answer.content.decode()


def test_an_unknown_field_deep_in_a_list_is_named(api, organization):
    path = f"{URL}/{make_credential(organization, 'stripe_key').pk}/permits"

    answer = api.post(path, {"releases": [{"lease": "1.1.1.a"}, {"lease": MARK, "end": MARK}]})

    assert set(answer.json()["validation_errors"]) == {"releases.1.lease", "releases.1.end"}
    assert MARK not in answer.content.decode()


def bodies():
    """Valid bodies by path, whose secrets all contain the mark."""
    for kind in kinds.all():
        one = {"properties": sample_properties(kind, MARK), "metadata": {"plan": MARK}}
        yield f"{URL}/bulk", {"credentials": [one, {"properties": STRIPE}], "dry_run": True}
    for provider in filter(kinds.oauth_of, kinds.providers()):
        more = {n: MARK for n in extras_of(kinds.oauth_of(provider).app) if n != "client_secret"}
        app = {"provider": provider, "name": MARK, "client_id": MARK, "client_secret": MARK}
        yield "/v1/oauth-apps", {**app, "properties": more, "scopes": [f"two {MARK}"]}
    place = {"host": "db.test", "port": "?", "database": "a", "username": "a", "password": MARK}
    yield "/v1/targets/postgres", {"name": "a", "connection": place, "metadata": {"a": MARK}}
    yield "/v1/credentials/exchange-code", {"code": MARK, "redirect_uri": MARK}
    yield "/v1/webhooks", {"name": MARK, "url": f"http://{MARK}", "event_types": [MARK]}


BODIES = list(bodies())
WRONG = st.sampled_from(
    [MARK, f"sk_live_{MARK}", [MARK], {MARK[:4]: MARK}, {"kind": MARK}, [[MARK]], 7, -1.5, None, ""]
)


def places(body, path=()):
    """The path of every value in a body."""
    inner = body.items() if isinstance(body, dict) else enumerate(body)
    for name, value in inner:
        yield (*path, name)
        if isinstance(value, dict | list):
            yield from places(value, (*path, name))


@st.composite
def spoilt(draw):
    """A body with one value replaced, removed or added."""
    address, body = draw(st.sampled_from(BODIES))
    body = deepcopy(body)
    for _ in range(draw(st.integers(1, 3))):
        *above, name = draw(st.sampled_from(sorted(places(body), key=str)))
        holder = body
        for step in above:
            holder = holder[step]
        act = draw(st.sampled_from(["replace", "drop", "add"]))
        if act == "drop" and len(holder) > 1:
            del holder[name]
        elif act == "add" and isinstance(holder, dict):
            holder["colour"] = deepcopy(draw(WRONG))
        else:
            holder[name] = deepcopy(draw(WRONG))
    return address, body


@pytest.fixture
def everything(make_client, organization):
    """A key with every scope."""
    return make_client(organization, *Scope)


@settings(
    max_examples=100,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(sent=spoilt())
def test_whatever_is_wrong_no_answer_holds_what_was_sent(everything, sent):
    answer = everything.post(*sent)

    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert set(answer.json()) <= {"summary", "validation_errors"}
        assert MARK not in answer.content.decode()


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_database_that_is_away_is_503_with_a_time(api, error, method):
    def away(*args):
        raise error("connection to server at 10.0.0.5 failed: sk_test_marker")

    api.client.raise_request_exception = False
    with connection.execute_wrapper(away):
        answer = api.call(method, URL, {"properties": STRIPE} if method == "POST" else None)

    assert answer.status_code == 503
    assert int(answer["Retry-After"]) >= 1
    assert "database can't be reached" in answer.json()["summary"]
    assert "marker" not in answer.content.decode()


def test_every_operation_declares_that_the_database_may_be_away():
    for path, operations in declared.get_openapi_schema()["paths"].items():
        for method, operation in operations.items():
            assert 503 in operation["responses"], (method, path)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        *[("github_app", "installation_id", value) for value in (True, 0, -1, 2**63)],
        *[("hubspot_oauth2", "hub_id", value) for value in (True, 0, -1, 2**63)],
        ("linear_oauth2", "expires_in_s", -5),
        ("linear_oauth2", "expires_in_s", True),
    ],
)
def test_a_number_that_can_be_none_is_422(api, kind, name, value):
    properties = {**sample_properties(kinds.get(kind)), name: value}

    answer = api.post(URL, {"properties": properties})

    assert answer.status_code == 422
    assert list(answer.json()["validation_errors"]) == [f"properties.{name}"]
    assert not Credential.objects.exists()
