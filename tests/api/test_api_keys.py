"""/v1/api-keys"""

from datetime import UTC, datetime, timedelta

import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Scope
from sequin_admin.audit.models import Event
from sequin_admin.core import clock
from sequin_admin.core.networks import Proxies
from sequin_admin.limits.requests import MINUTE
from sequin_admin.limits.stores import database
from tests.api_client import ApiClient, set_request_budget
from tests.factories import make_credential

URL = "/v1/api-keys"
NEW = {
    "name": "Sync worker",
    "scopes": ["read", "write"],
    "networks": ["192.0.2.7/24"],
    "requests_per_minute": 600,
    "expires_at": "2035-01-01T00:00:00+02:00",
}


@pytest.fixture(autouse=True)
def nothing_remembered():
    keys._cache.clear()


@pytest.fixture
def keeper(make_client, organization):
    """A client whose key has every scope."""
    return make_client(organization, *Scope)


@pytest.fixture
def made(organization):
    """A client with a key of the given scopes, and that key."""

    def make(**columns):
        chosen = {"name": "k", "scopes": list(Scope), **columns}
        key, token = keys.create(organization, actor=None, **chosen)
        return ApiClient(token), key

    return make


def from_address(client, address, path="/v1/api-keys/me", **headers):
    return client.client.get(path, REMOTE_ADDR=address, headers=headers)


def test_from_creation_to_revocation(keeper):
    created = keeper.post(URL, NEW)
    assert created.status_code == 201, created.content
    shown = created.json()
    token = shown.pop("token")
    one = f"{URL}/{shown['id']}"

    assert created["Cache-Control"] == "no-store"
    assert token.startswith(shown["prefix"])
    stored = {**NEW, "networks": ["192.0.2.0/24"], "expires_at": "2034-12-31T22:00:00Z"}
    assert shown == {**shown, **stored}
    assert (shown["state"], shown["former_token"], shown["revoked_at"]) == ("active", None, None)
    assert keeper.get(one).json() == shown
    assert keeper.get(one)["ETag"] == created["ETag"]
    changed = keeper.patch(one, {"scopes": ["read"], "networks": []})
    assert changed.json() == {**shown, "scopes": ["read"], "networks": []}
    assert keeper.get(URL).json()["data"][0] == changed.json()
    assert token not in keeper.get(URL).content.decode()
    assert keeper.delete(one).status_code == 204
    assert keeper.delete(one).status_code == 204
    assert keeper.get(one).json()["state"] == "revoked"
    assert keeper.patch(one, {"name": "x"}).status_code == 409


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"name": " "}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["read", "everything"]}, "scopes.1"),
        ({"networks": ["10.0.0.0/8", "sand"]}, "networks.1"),
        ({"networks": "10.0.0.0/8"}, "networks"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2035-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
        ({"token": "sqn_mine"}, "token"),
    ],
)
def test_bad_input_names_its_field(keeper, change, path):
    one = f"{URL}/{keeper.post(URL, NEW).json()['id']}"

    for answer in (keeper.post(URL, {**NEW, **change}), keeper.patch(one, change)):
        assert answer.status_code == 422
        assert list(answer.json()["validation_errors"]) == [path]


def test_null_takes_the_limit_and_the_end_away_and_leaves_the_rest(keeper):
    one = f"{URL}/{keeper.post(URL, NEW).json()['id']}"

    changed = keeper.patch(one, dict.fromkeys(NEW)).json()

    assert (changed["requests_per_minute"], changed["expires_at"]) == (None, None)
    assert (changed["name"], changed["networks"]) == (NEW["name"], ["192.0.2.0/24"])


def test_a_change_nobody_saw_is_not_overwritten(keeper):
    one = f"{URL}/{keeper.post(URL, NEW).json()['id']}"
    seen = keeper.get(one)["ETag"]
    keeper.patch(one, {"name": "Meanwhile"})

    late = keeper.call("PATCH", one, {"name": "Late"}, headers={"If-Match": seen})
    gone = keeper.call("DELETE", one, headers={"If-Match": seen})

    assert (late.status_code, gone.status_code) == (412, 412)
    assert keeper.get(one).json()["name"] == "Meanwhile"


def test_using_a_key_does_not_change_its_etag(keeper):
    created = keeper.post(URL, {**NEW, "networks": []})
    one = f"{URL}/{created.json()['id']}"

    ApiClient(created.json()["token"]).get("/v1/credentials")

    assert keeper.get(one).json()["last_used_at"]
    assert keeper.get(one)["ETag"] == created["ETag"]


def test_keys_are_listed_filtered_and_paged(keeper):
    for number in range(5):
        one = keeper.post(URL, {**NEW, "name": f"Worker {number}"}).json()["id"]
    keeper.delete(f"{URL}/{one}")

    first = keeper.get(URL, limit=3, search="worker").json()
    second = keeper.get(URL, limit=3, search="worker", cursor=first["next_cursor"]).json()

    names = [row["name"] for row in first["data"] + second["data"]]
    assert names == [f"Worker {number}" for number in range(4, -1, -1)]
    assert second["next_cursor"] is None
    assert [row["id"] for row in keeper.get(URL, state="revoked").json()["data"]] == [one]
    assert keeper.get(URL, status="revoked").status_code == 422


def test_a_key_reads_itself_whatever_it_may(made):
    for scope in Scope:
        client, key = made(scopes=[scope])

        answer = client.get(f"{URL}/me")

        assert (answer.json()["id"], answer.json()["scopes"]) == (str(key.pk), [scope])
        assert "token" not in answer.json()


@pytest.mark.parametrize("scopes", [[s] for s in Scope if s is not Scope.KEYS])
def test_everything_else_takes_the_scope_keys(made, scopes):
    client, key = made(scopes=scopes)
    one = f"{URL}/{key.pk}"

    answers = [client.get(URL), client.post(URL, NEW), client.get(one), client.patch(one, {})]
    answers += [client.delete(one), client.post(f"{one}/rotate", {})]
    answers.append(client.delete(f"{one}/former-token"))

    assert {answer.status_code for answer in answers} == {403}
    assert "scope keys" in answers[0].json()["summary"]


def test_a_rotated_key_has_two_tokens_for_a_while(keeper, monkeypatch):
    created = keeper.post(URL, {**NEW, "networks": []}).json()
    one = f"{URL}/{created['id']}"

    rotated = keeper.post(f"{one}/rotate", {"overlap_hours": 2})
    shown = rotated.json()
    old, new = ApiClient(created["token"]), ApiClient(shown.pop("token"))

    assert rotated["Cache-Control"] == "no-store"
    assert (shown["state"], shown["former_token"]["prefix"]) == ("rotating", created["prefix"])
    assert old.get(f"{URL}/me").json()["id"] == new.get(f"{URL}/me").json()["id"]
    assert keeper.get(one).json()["former_token"]["last_used_at"]
    now = clock.now() + timedelta(hours=2)
    monkeypatch.setattr(clock, "now", lambda: now)
    assert old.get(f"{URL}/me").status_code == 401
    assert new.get(f"{URL}/me").json()["former_token"] is None


def test_the_former_token_is_ended_on_request(keeper):
    created = keeper.post(URL, {**NEW, "networks": []}).json()
    one = f"{URL}/{created['id']}"
    keeper.post(f"{one}/rotate", {})

    answer = keeper.delete(f"{one}/former-token")

    assert (answer.status_code, answer.json()["state"]) == (200, "active")
    assert ApiClient(created["token"]).get(f"{URL}/me").status_code == 401


@pytest.mark.parametrize("hours", [-1, 169, 0.5, None])
def test_an_overlap_is_whole_hours_of_a_week(keeper, hours):
    one = f"{URL}/{keeper.post(URL, NEW).json()['id']}"

    answer = keeper.post(f"{one}/rotate", {"overlap_hours": hours})

    assert answer.status_code == 422
    assert list(answer.json()["validation_errors"]) == ["overlap_hours"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scopes": ["read", "secrets"]}, "scopes"),
        ({"expires_at": None}, "expires_at"),
        ({"networks": []}, "networks"),
        ({"networks": ["127.0.0.0/8", "10.0.0.0/8"]}, "networks"),
        ({"requests_per_minute": None}, "requests_per_minute"),
    ],
)
def test_no_key_makes_one_that_may_do_more(made, change, field):
    bounds = {
        "scopes": ["keys", "read"],
        "expires_at": datetime(2034, 1, 1, tzinfo=UTC),
        "networks": ["127.0.0.0/8"],
        "requests_per_minute": 600,
    }
    client, key = made(**bounds)
    within = {**bounds, "name": "x", "expires_at": "2033-01-01T00:00:00Z"}
    assert client.post(URL, within).status_code == 201

    for answer in (
        client.post(URL, {**within, **change}),
        client.patch(f"{URL}/{key.pk}", change),
    ):
        assert answer.status_code == 403
        assert "more than itself" in answer.json()["summary"]
        assert list(answer.json()["validation_errors"]) == [field]


def test_a_greater_key_is_neither_changed_rotated_nor_revoked(made):
    keeper, _ = made(scopes=["keys"])
    _, greater = made()
    one = f"{URL}/{greater.pk}"

    assert keeper.patch(one, {"networks": ["127.0.0.0/8"]}).status_code == 403
    assert keeper.post(f"{one}/rotate", {}).status_code == 403
    assert keeper.delete(f"{one}/former-token").status_code == 403
    assert keeper.delete(one).status_code == 403


def test_a_key_rotates_itself(made):
    client, key = made(scopes=["keys"])

    token = client.post(f"{URL}/{key.pk}/rotate", {"overlap_hours": 0}).json()["token"]

    assert client.get(f"{URL}/me").status_code == 401
    assert ApiClient(token).get(f"{URL}/me").status_code == 200
    assert Event.objects.get(action="api_key.rotated").actor_id == str(key.pk)


def test_a_key_works_from_its_networks_only(made, settings):
    client, _ = made(networks=["192.0.2.0/24", "2001:db8::/32"])

    assert from_address(client, "192.0.2.9").status_code == 200
    assert from_address(client, "2001:db8::9").status_code == 200
    refused = from_address(client, "198.51.100.7", X_Forwarded_For="192.0.2.9")
    assert refused.status_code == 403
    assert "198.51.100.7" in refused.json()["summary"]
    settings.TRUSTED_PROXIES = Proxies(hops=1)
    assert from_address(client, "198.51.100.7", X_Forwarded_For="192.0.2.9").status_code == 200
    assert "an unknown address" in from_address(client, "").json()["summary"]


@pytest.fixture
def mid_minute(monkeypatch):
    """Wait by the database's clock, so that no minute ends while a test counts in it."""
    monkeypatch.setattr(database, "database_time", lambda: MINUTE // 4)


@pytest.fixture
def reading(organization, made):
    """A worker that has read its credential's token, so that its key is cached."""
    credential = make_credential(organization, "stripe_key")
    client, key = made()
    path = f"/v1/credentials/{credential.pk}/token"
    assert client.get(path).status_code == 200
    return client, key, path


def test_where_keys_are_remembered_changed_networks_hold_at_once(reading):
    client, key, path = reading

    keys.update(key, actor=None, networks=["192.0.2.0/24"])
    assert client.get(path).status_code == 403
    keys.update(key, actor=None, networks=["127.0.0.0/8"])
    assert client.get(path).status_code == 200


def test_where_keys_are_remembered_changed_scopes_hold_at_once(reading):
    client, key, path = reading

    keys.update(key, actor=None, scopes=["read"])
    assert client.get(path).status_code == 403
    keys.update(key, actor=None, scopes=["secrets"])
    assert client.get(path).status_code == 200


def test_where_keys_are_remembered_the_overlap_ends_in_time(reading, monkeypatch):
    client, key, path = reading

    keys.rotate(key, actor=None, overlap=timedelta(hours=1))
    assert client.get(path).status_code == 200
    now = clock.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: now)
    assert client.get(path).status_code == 401


def test_where_keys_are_remembered_a_changed_limit_holds_with_the_next_call(mid_minute, reading):
    client, key, path = reading
    keys.update(key, actor=None, requests_per_minute=1)
    client.get(path)
    assert client.get(path).status_code == 429
    keys.update(key, actor=None, requests_per_minute=100)
    assert client.get(path).status_code == 200


def test_where_keys_are_remembered_a_changed_one_takes_up_an_idempotency_key(reading):
    client, key, path = reading
    again = {"Idempotency-Key": "once"}
    permits = path.replace("/token", "/permits")

    keys.update(key, actor=None, name="renamed")
    assert client.call("POST", permits, {}, headers=again).status_code == 200
    keys.revoke(key, actor=None)
    assert client.call("POST", permits, {}, headers=again).status_code == 401


LIMITS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def limits_of(answer):
    return [int(answer[name]) for name in LIMITS]


def test_every_answer_says_what_is_left(made):
    client, _ = made(requests_per_minute=100)

    answers = [client.get(f"{URL}/me"), client.get("/v1/credentials"), client.post(URL, {})]
    answers.append(client.get(f"{URL}/no-uuid"))

    assert [answer.status_code for answer in answers] == [200, 200, 422, 404]
    for answer in answers:
        limit, remaining, resets = limits_of(answer)
        assert limit == 100
        assert remaining < 100
        assert 1 <= resets <= 60


def test_a_key_that_has_used_up_its_minute_is_told_when_to_come_back(made, organization):
    client, key = made(requests_per_minute=2)
    permits = f"/v1/credentials/{make_credential(organization, 'stripe_key').pk}/permits"
    set_request_budget(key, 0, for_s=3600)

    for answer in (client.get(f"{URL}/me"), client.post(permits, {})):
        assert answer.status_code == 429
        assert "used up its 2 requests of this minute" in answer.json()["summary"]
        assert set(answer.json()) == {"summary"}
        assert limits_of(answer)[:2] == [2, 0]
        assert answer["Retry-After"] == answer["RateLimit-Reset"]


def test_who_did_not_get_in_is_told_nothing_of_limits(client, db):
    answer = client.get(f"{URL}/me")

    assert answer.status_code == 401
    assert not any(name in answer for name in LIMITS)


def test_keys_of_others_do_not_exist(make_client, stranger, made):
    _, key = made()
    theirs = make_client(stranger.organizations.get(), *Scope)
    one = f"{URL}/{key.pk}"

    answers = [theirs.get(one), theirs.patch(one, {}), theirs.delete(one)]
    answers += [theirs.post(f"{one}/rotate", {}), theirs.delete(f"{one}/former-token")]

    assert {answer.status_code for answer in answers} == {404}
    assert ApiKey.objects.get(pk=key.pk).version == 1
