"""/v1/syncs/{id}/badge"""

from urllib.parse import urlsplit

import pytest

from sequin_admin.access.models import Scope
from tests.factories import make_credential, make_synced


@pytest.fixture
def one(organization):
    return f"/v1/syncs/{make_synced(make_credential(organization, 'stripe_key'))[0].pk}"


def test_a_badge_is_published_and_withdrawn(api, client, one):
    assert api.get(f"{one}/badge").json()["url"] is None

    shown = api.post(f"{one}/publish").json()
    path = urlsplit(shown["url"]).path
    assert shown["published"]
    assert api.get(f"{one}/badge").json() == shown
    assert client.get(path)["Content-Type"].startswith("image/svg+xml")

    assert api.post(f"{one}/unpublish").json()["published"] is False
    assert client.get(path).status_code == 404


def test_publishing_again_gives_a_new_address(api, client, one):
    first, second = (api.post(f"{one}/publish").json()["url"] for _ in range(2))

    assert first != second
    assert client.get(urlsplit(first).path).status_code == 404


def test_publishing_takes_the_scope_write(make_client, organization, one):
    reads = make_client(organization, Scope.READ)

    assert reads.get(f"{one}/badge").status_code == 200
    assert reads.post(f"{one}/publish").status_code == 403
    assert reads.post(f"{one}/unpublish").status_code == 403
