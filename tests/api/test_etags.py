"""ETag and If-Match."""

import pytest

from tests.factories import make_credential, make_oauth_app


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
