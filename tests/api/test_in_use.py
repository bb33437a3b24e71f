"""A row that others depend on is not deleted, and the response lists them."""

import pytest

from sequin_admin.syncs import syncs
from tests.factories import make_credential, make_oauth_app, make_synced

pytestmark = pytest.mark.django_db


def as_listed(row):
    return {"type": row.entity, "id": str(row.pk), "name": str(row)}


@pytest.fixture
def needed(organization):
    """By path: a row and the row that depends on it."""
    app = make_oauth_app(organization, "hubspot")
    credential = make_credential(organization, "hubspot_oauth2", oauth_app=app)
    key = make_credential(organization, "stripe_key")
    sync, target, consumer = make_synced(key)
    return {
        f"/v1/oauth-apps/{app.pk}": credential,
        f"/v1/credentials/{key.pk}": sync,
        f"/v1/syncs/{sync.pk}": consumer,
        f"/v1/targets/postgres/{target.pk}": consumer,
    }


def test_who_needs_it_is_listed(api, needed):
    for address, user in needed.items():
        answer = api.delete(address)

        assert answer.status_code == 409
        assert answer.json()["in_use_by"] == [as_listed(user)]
        assert answer.json()["in_use_by_count"] == 1
        assert str(user) in answer.json()["summary"]
        assert api.get(address).status_code == 200


def test_of_very_many_the_first_hundred_are_listed_and_all_are_counted(api, organization):
    key = make_credential(organization, "stripe_key")
    for number in range(103):
        syncs.create(key, actor=None, name=f"Sync {number:03}")

    said = api.delete(f"/v1/credentials/{key.pk}").json()

    assert [user["name"] for user in said["in_use_by"]] == [f"Sync {n:03}" for n in range(100)]
    assert said["in_use_by_count"] == 103
    assert "Sync 004 and 98 more" in said["summary"]


def test_each_operation_that_may_refuse_so_documents_the_list(client, db):
    document = client.get("/v1/openapi.json").json()

    for path in ("oauth-apps/{oauth_app_id}", "credentials/{credential_id}", "syncs/{sync_id}"):
        said = document["paths"][f"/v1/{path}"]["delete"]["responses"]["409"]
        assert "StillUsed" in str(said)
