"""ETag and If-Match."""

import pytest
from django.db import connection

from sequin_admin.access.models import Scope
from sequin_admin.api.framework import etags
from sequin_admin.api.urls import api as declared
from tests.factories import make_credential, make_oauth_app, make_synced


@pytest.fixture(params=["credentials", "oauth-apps"])
def one(request, organization):
    """The path of one row of each resource."""
    if request.param == "credentials":
        return f"/v1/credentials/{make_credential(organization, 'stripe_key').pk}"
    return f"/v1/oauth-apps/{make_oauth_app(organization, 'hubspot').pk}"


def test_a_read_and_a_write_tell_the_version(api, one):
    before = api.get(one)["ETag"]
    changed = api.patch(one, {"name": "Renamed"})["ETag"]

    assert changed != before
    assert api.get(one)["ETag"] == changed


def test_an_update_of_what_was_read_is_done(api, one):
    etag = api.get(one)["ETag"]

    answer = api.call("PATCH", one, {"name": "Renamed"}, headers={"If-Match": etag})

    assert answer.json()["name"] == "Renamed"


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"name": "Mine"}), ("DELETE", None)])
def test_what_changed_meanwhile_is_left_alone(api, one, method, body):
    etag = api.get(one)["ETag"]
    api.patch(one, {"name": "Theirs"})

    answer = api.call(method, one, body, headers={"If-Match": etag})

    assert answer.status_code == 412
    assert "changed since you read it" in answer.json()["summary"]
    assert api.get(one).json()["name"] == "Theirs"


def test_a_star_is_any_version(api, one):
    assert api.call("DELETE", one, headers={"If-Match": "*"}).status_code == 204


@pytest.fixture
def owner(make_client, organization):
    """With a key of every scope."""
    return make_client(organization, *Scope)


@pytest.fixture
def deletable(owner, organization):
    """The path of a row, by the path of the operation that deletes it."""
    key = make_credential(organization, "stripe_key")
    sync, target, consumer = make_synced(key)
    consumer_path = f"/v1/consumers/postgres/{consumer.pk}"
    stream = owner.post("/v1/streams", {"slug": "spice"}).json()
    webhook = {"name": "hook", "url": "https://hooks.arrakis.test/in"}
    channel = {"kind": "mail", "name": "Mail", "address": "paul@arrakis.test"}
    link = {"reconnects": str(make_credential(organization, "sendgrid_key").pk)}
    api_key = {"name": "Worker", "scopes": ["read"]}
    made = {
        "/v1/webhooks/{webhook_id}": owner.post("/v1/webhooks", webhook),
        "/v1/channels/{channel_id}": owner.post("/v1/channels", channel),
        "/v1/connect-links/{link_id}": owner.post("/v1/connect-links", link),
        "/v1/api-keys/{api_key_id}": owner.post("/v1/api-keys", api_key),
    }
    assert {answer.status_code for answer in made.values()} == {201}, made
    template, text = "/v1/mail-templates/connect/en", {"subject": "Connect", "text": "{link}"}
    assert owner.call("PUT", template, text).status_code == 200
    return {
        # What needs another row comes before it.
        "/v1/consumers/postgres/{consumer_id}": consumer_path,
        "/v1/syncs/{sync_id}": f"/v1/syncs/{sync.pk}",
        "/v1/targets/postgres/{target_id}": f"/v1/targets/postgres/{target.pk}",
        "/v1/credentials/{credential_id}": f"/v1/credentials/{key.pk}",
        "/v1/mail-templates/{purpose}/{language}": template,
        "/v1/oauth-apps/{oauth_app_id}": (
            f"/v1/oauth-apps/{make_oauth_app(organization, 'hubspot').pk}"
        ),
        "/v1/streams/{stream_id}": f"/v1/streams/{stream['id']}",
        **{path: f"{path.partition('{')[0]}{answer.json()['id']}" for path, answer in made.items()},
    }


def test_each_delete_looks_at_the_version_under_the_lock(owner, deletable, monkeypatch):
    """Else a change between look and delete would be lost."""
    etag_of, locked = etags.etag_of, []

    def recording(body):
        # The test itself runs in a transaction; one of the view's own is a savepoint in it.
        locked.append(bool(connection.savepoint_ids))
        return etag_of(body)

    for path, one in deletable.items():
        tag = owner.get(one)["ETag"]
        with monkeypatch.context() as watched:
            watched.setattr(etags, "etag_of", recording)
            answer = owner.call("DELETE", one, headers={"If-Match": tag})
        assert answer.status_code == 204, (path, answer.content)
        assert locked.pop(), path


def test_nothing_is_changed_between_the_look_and_the_end_of_a_delete(
    owner, organization, monkeypatch
):
    """The provider is asked to revoke after the row is gone, and not in the transaction."""
    credential = make_credential(organization, "hubspot_oauth2")
    one, changes = f"/v1/credentials/{credential.pk}", []

    def revoke(self, token):
        assert not connection.savepoint_ids
        changes.append(owner.patch(one, {"name": "Theirs"}).status_code)

    monkeypatch.setattr(type(credential), "revoke", revoke)

    answer = owner.call("DELETE", one, headers={"If-Match": owner.get(one)["ETag"]})

    assert answer.status_code == 204
    assert changes == [404]


def test_that_is_every_delete_that_takes_if_match(deletable):
    declares = {
        path
        for path, operations in declared.get_openapi_schema()["paths"].items()
        if any(p["name"] == "If-Match" for p in operations.get("delete", {}).get("parameters", []))
    }

    assert declares == set(deletable)
