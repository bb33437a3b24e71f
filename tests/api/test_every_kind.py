"""Every kind of credential from import to deletion, by the document's examples."""

import pytest

from sequin_admin.api.credentials.examples import import_of, patch_of
from sequin_admin.credentials import kinds
from sequin_admin.credentials.properties import MASK

STATUSES = ("healthy", "customer_intervention", "sequin_intervention")


@pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)
def test_a_credential_is_made_read_changed_listed_and_deleted(api, kind):
    sent, change = import_of(kind), patch_of(kind)

    made = api.post("/v1/credentials", sent)
    shown = made.json()
    address = f"/v1/credentials/{shown['id']}"

    assert made.status_code == 201
    assert (shown["kind"], shown["provider"]) == (kind.slug, kind.provider)
    assert shown["properties"]["kind"] == kind.slug
    assert shown["health"]["status"] in STATUSES
    for name, value in sent["properties"].items():
        secret = name in kind.properties_class.secret_names()
        assert shown["properties"][name] == (MASK if secret else value)

    assert api.get(address).json() == shown

    changed = api.patch(address, change)

    assert changed.status_code == 200
    assert {name: changed.json()[name] for name in change} == change

    listed = api.get("/v1/credentials", kind=kind.slug).json()["data"]

    assert listed == [changed.json()]

    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404


@pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)
def test_the_same_account_again_is_the_same_credential(api, kind):
    """Also where only the unreachable provider knows the account of a secret."""
    sent = import_of(kind)

    first, again = api.post("/v1/credentials", sent), api.post("/v1/credentials", sent)

    assert again.status_code == 200
    assert first.json()["id"] == again.json()["id"]
