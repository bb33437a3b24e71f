"""Each response has an id, which each log line of its request has too."""

import logging
from uuid import UUID

import pytest
import structlog

from sequin_admin.api.credentials import views

URL = "/v1/credentials"


@pytest.fixture
def lines():
    """Log messages with the id of their lines."""
    kept = []

    class Keeping(logging.Handler):
        def emit(self, record):
            bound = structlog.contextvars.get_contextvars()
            kept.append((record.getMessage(), bound.get("request_id")))

    handler = Keeping()
    logging.getLogger().addHandler(handler)
    yield kept
    logging.getLogger().removeHandler(handler)


def test_every_sort_of_answer_has_one(api, client):
    answers = [
        api.get(URL),
        client.get(URL),
        api.get(f"{URL}/{UUID(int=1)}"),
        api.get("/v1/nothing"),
        api.get("/nothing"),
        api.call("PUT", URL, {}),
        api.post(URL, {}),
        api.post(URL, {"metadata": {"a": "x" * 10_000_000}}),
        client.get(URL, headers={"Host": "evil.test"}),
        client.get("/healthz"),
        client.get("/readyz"),
        client.get("/metrics"),
        client.get("/static/nothing.css"),
        client.get("/"),
    ]

    statuses = [answer.status_code for answer in answers]
    assert statuses[:9] == [200, 401, 404, 404, 404, 405, 422, 413, 400]
    assert len({UUID(answer["X-Request-Id"]) for answer in answers}) == len(answers)


def test_our_own_mistake_has_one_and_its_log_line_too(api, monkeypatch, lines):
    monkeypatch.setattr(views, "one_response", None)
    api.client.raise_request_exception = False

    answer = api.get(f"{URL}/{UUID(int=1)}")

    assert answer.status_code == 500
    assert [known for said, known in lines if "Server Error" in said] == [answer["X-Request-Id"]]


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "/v1/nothing", "Not Found"),
        ("GET", f"{URL}/{UUID(int=1)}", "Not Found"),
        ("PUT", URL, "Method Not Allowed"),
        ("POST", URL, "Unprocessable"),
    ],
)
def test_a_refusal_is_logged_once_with_its_id(api, lines, method, path, said):
    answer = api.call(method, path, {} if method != "GET" else None)

    found = [known for text, known in lines if text.startswith(said)]
    assert found == [answer["X-Request-Id"]]


def test_a_line_of_ours_carries_it(api, monkeypatch, lines):
    def own(*args, **kwargs):
        structlog.get_logger("sequin_admin.test").warning("looked")
        raise LookupError("Not there.")

    monkeypatch.setattr(views, "one_response", own)
    api.client.raise_request_exception = False

    answer = api.get(f"{URL}/{UUID(int=1)}")

    assert [known for text, known in lines if "looked" in text] == [answer["X-Request-Id"]]


def test_somebody_elses_id_is_not_taken_over(api):
    mine = str(UUID(int=7))

    answer = api.call("GET", URL, headers={"X-Request-Id": mine})

    assert UUID(answer["X-Request-Id"]) != UUID(mine)


def test_nothing_is_logged_twice():
    """Django's own handler would log the line without an id."""
    assert logging.getLogger("django").handlers == []
