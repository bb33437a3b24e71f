"""Idempotency-Key: executed once, the stored response repeated."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from sequin_admin.access import idempotency, keys
from sequin_admin.access.models import ApiKey, IdempotencyRecord, Organization, Scope
from sequin_admin.api.credentials import permits
from sequin_admin.api.oauth_apps import views as oauth_apps
from sequin_admin.api.urls import api as declared
from sequin_admin.core import clock
from sequin_admin.core.fields import DecryptionError
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.notifications.models import Channel
from tests.factories import make_credential
from tests.test_canary import everything_stored

URL = "/v1/oauth-apps"
APP = {"provider": "hubspot", "name": "Ours", "client_id": "id-1", "client_secret": "s3cret-1"}
HOOK = {"url": "https://hooks.arrakis.test/in", "name": "hook"}


def send(client, body=None, *, key="one", path=URL, **query):
    headers = {"Idempotency-Key": key}
    return client.call("POST", path, APP if body is None else body, headers=headers, **query)


@pytest.fixture
def later(monkeypatch):
    """Move the clock forward."""

    def move(gap):
        moment = clock.now() + gap
        monkeypatch.setattr(clock, "now", lambda: moment)

    return move


def test_sent_again_it_is_not_done_again(api):
    first, second = send(api), send(api)

    assert OAuthApp.objects.count() == 1
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert (second["ETag"], second["Content-Type"]) == (first["ETag"], first["Content-Type"])
    assert second["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert first["X-Request-Id"] != second["X-Request-Id"]


def test_without_the_header_each_is_done(api):
    api.post(URL, APP)
    api.post(URL, APP)

    assert OAuthApp.objects.count() == 2
    assert not IdempotencyRecord.objects.exists()


def test_a_kept_answer_is_sealed_for_its_organization(api, stranger):
    send(api, HOOK, path="/v1/webhooks")
    IdempotencyRecord.objects.update(organization=Organization.objects.get(slug="giedi-prime"))

    with pytest.raises(DecryptionError):
        IdempotencyRecord.objects.get().answer.keys()


@pytest.mark.parametrize(
    "other",
    [
        {"body": {**APP, "name": "Theirs"}},
        {"path": "/v1/webhooks", "body": HOOK},
        {"page": "2"},
    ],
    ids=["body", "path", "query"],
)
def test_another_request_with_the_same_key_is_a_conflict(api, other):
    send(api)

    answer = send(api, **other)

    assert answer.status_code == 409
    assert "another request" in answer.json()["summary"]
    assert "Retry-After" not in answer
    assert (OAuthApp.objects.count(), Channel.objects.count()) == (1, 0)


def test_another_api_key_has_keys_of_its_own(api, make_client, organization):
    first = send(api)

    second = send(make_client(organization))

    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]


def test_a_refused_request_does_not_use_up_its_key(api):
    assert send(api, {**APP, "name": ""}).status_code == 422
    assert send(api, {**APP, "provider": "sendgrid"}).status_code == 422

    assert send(api).status_code == 201


def test_our_own_mistake_does_not_use_up_the_key(api, monkeypatch):
    api.client.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr(oauth_apps, "parse_properties", None)
        assert send(api).status_code == 500

    assert send(api).status_code == 201


def test_after_24_hours_it_is_another_request(api, later):
    first = send(api)
    later(timedelta(hours=23, minutes=59))
    assert send(api).json() == first.json()

    later(timedelta(minutes=2))

    assert send(api).json()["id"] != first.json()["id"]


def test_the_worker_forgets_what_is_over(api, later):
    send(api, key="old")
    later(timedelta(hours=23))
    send(api, key="young")
    later(timedelta(hours=1))

    assert idempotency.prune_records() == 1
    assert IdempotencyRecord.objects.get().name == "young"


def cut_off(api, monkeypatch):
    """A request whose process ended before its response was stored."""
    with monkeypatch.context() as cut:
        cut.setattr(idempotency, "store_response", lambda *args: None)
        assert send(api).status_code == 201


def test_while_it_is_under_way_one_is_asked_to_wait(api, monkeypatch):
    cut_off(api, monkeypatch)

    answer = send(api)

    assert answer.status_code == 409
    assert "under way" in answer.json()["summary"]
    assert answer["Retry-After"] == "2"


def test_what_was_cut_off_is_never_done_again(api, monkeypatch, later):
    cut_off(api, monkeypatch)
    later(timedelta(minutes=6))

    answer = send(api)

    assert answer.status_code == 409
    assert "Look whether" in answer.json()["summary"]
    assert "Retry-After" not in answer
    assert OAuthApp.objects.count() == 1


def test_an_answer_too_long_to_keep_is_not_done_again(api, monkeypatch):
    monkeypatch.setattr(idempotency, "MOST_CHARS", 10)
    send(api)

    answer = send(api)

    assert answer.status_code == 409
    assert "too long to keep" in answer.json()["summary"]
    assert OAuthApp.objects.count() == 1


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "späße", "a\tb"])
def test_a_key_that_can_not_be_one_is_named(api, key):
    answer = send(api, key=key)

    assert answer.status_code == 422
    assert list(answer.json()["validation_errors"]) == ["Idempotency-Key"]
    assert not OAuthApp.objects.exists()


@pytest.mark.parametrize("key", ["x" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "~!"])
def test_a_key_may_be_any_visible_text(api, key):
    assert send(api, key=key).status_code == 201
    assert send(api, key=key)["Idempotency-Replayed"] == "true"


def test_a_revoked_key_is_told_nothing_again(make_client, organization):
    """Also where the key is cached."""
    worker = make_client(organization, Scope.PERMITS)
    path = f"/v1/credentials/{make_credential(organization, 'stripe_key').pk}/permits"
    assert send(worker, {}, path=path).status_code == 200

    keys.revoke(ApiKey.objects.get(), actor=None)

    assert send(worker, {}, path=path).status_code == 401


def test_what_a_key_may_no_more_is_not_given_again(api):
    send(api)
    ApiKey.objects.update(scopes=[Scope.READ])

    answer = send(api)

    assert answer.status_code == 409
    assert "scopes" in answer.json()["summary"]


def test_without_the_header_a_permit_costs_no_query_more(make_client, organization):
    worker = make_client(organization, Scope.PERMITS)
    path = f"/v1/credentials/{make_credential(organization, 'stripe_key').pk}/permits"
    worker.post(path, {})

    with connection.execute_wrapper(noting(seen := [])):
        assert worker.post(path, {}).status_code == 200

    assert seen
    assert not [sql for sql in seen if IdempotencyRecord._meta.db_table in sql]


def noting(seen):
    def wrapper(execute, sql, params, many, context):
        seen.append(sql)
        return execute(sql, params, many, context)

    return wrapper


def test_permits_are_given_once(make_client, organization, monkeypatch):
    worker = make_client(organization, Scope.PERMITS)
    path = f"/v1/credentials/{make_credential(organization, 'stripe_key').pk}/permits"
    first = send(worker, {"n": 3}, path=path).json()

    monkeypatch.setattr(permits.limiter, "acquire", None)

    assert send(worker, {"n": 3}, path=path).json() == first


@pytest.mark.django_db(transaction=True)
def test_no_secret_lies_in_the_database_in_plain_text(make_client, organization):
    """A signing secret is shown once, and again for a repeated request; nowhere else."""
    api = make_client(organization, Scope.READ, Scope.WRITE)

    secret = send(api, HOOK, path="/v1/webhooks").json()["secret"]
    body = send(api, {**APP, "client_secret": "canary7f3e"}, key="two").content

    assert send(api, HOOK, path="/v1/webhooks").json()["secret"] == secret
    stored = everything_stored()
    assert secret.encode() not in stored
    assert b"canary7f3e" not in stored
    assert body not in stored


def test_two_requests_that_hold_different_secrets_are_told_apart(api):
    send(api)

    assert send(api, {**APP, "client_secret": "s3cret-2"}).status_code == 409


def test_each_post_documents_it():
    for path, operations in declared.get_openapi_schema()["paths"].items():
        if "post" in operations:
            named = [p["name"] for p in operations["post"].get("parameters", [])]
            assert "Idempotency-Key" in named, path
            assert 409 in operations["post"]["responses"], path
        for method in {*operations} - {"post"}:
            named = [p["name"] for p in operations[method].get("parameters", [])]
            assert "Idempotency-Key" not in named, path


def test_a_failure_after_something_was_written_uses_up_the_key(api, monkeypatch):
    """Its work may be done, so it is not done again."""
    api.client.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr(oauth_apps, "oauth_app_out", None)
        assert send(api).status_code == 500
    assert OAuthApp.objects.count() == 1

    answer = send(api)

    assert answer.status_code == 409
    assert "how far it came is not known" in answer.json()["summary"]
    assert "Retry-After" not in answer
    assert OAuthApp.objects.count() == 1


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(api, monkeypatch):
    def away(*args):
        raise OperationalError("the database went away")

    monkeypatch.setattr(idempotency, "store_response", away)

    assert send(api).status_code == 201
    assert send(api).status_code == 409
