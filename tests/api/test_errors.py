"""Errors: always JSON, a sentence, and never what was sent."""

from uuid import UUID

import pytest
from django.db import DataError

from sequin_admin.api import credentials
from tests.factories import make_credential

URL = "/v1/credentials"


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
    assert {"GET", "POST"} == set(answer["Allow"].split(", "))
    assert answer["Allow"] in answer.json()["summary"]


def test_what_a_column_cannot_hold_is_422(api, monkeypatch):
    def too_long(*args, **kwargs):
        raise DataError("value too long: sk_test_marker")

    monkeypatch.setattr(credentials.accounts, "save", too_long)
    properties = {"kind": "stripe_key", "name": "x", "secret": "sk_test_x"}

    answer = api.post(URL, {"properties": properties})

    assert answer.status_code == 422
    assert "marker" not in answer.content.decode()


def test_our_own_mistake_is_500_and_tells_nothing(api, monkeypatch, caplog):
    def broken(*args, **kwargs):
        raise RuntimeError("the secret is sk_test_marker")

    monkeypatch.setattr(credentials, "own", broken)
    api.client.raise_request_exception = False

    answer = api.get(f"{URL}/{UUID(int=1)}")

    assert answer.status_code == 500
    assert "X-Request-Id" in answer.json()["summary"]
    assert "marker" not in answer.content.decode()
    assert [r for r in caplog.records if r.exc_info and r.name == "django.request"]


def test_every_answer_has_a_request_id(api):
    assert api.get(URL)["X-Request-Id"] != api.get(URL)["X-Request-Id"]
