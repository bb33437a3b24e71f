"""/v1/search, and the language in the lists."""

import pytest

from sequin_admin.access.models import Scope
from tests.factories import make_credential

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(organization):
    return make_credential(organization, "stripe_key", name="Dune", metadata={"plan": "pro"})


def test_a_search_answers_in_groups(api, row):
    groups = api.get("/v1/search?q=plan:pro").json()["data"]

    assert [(group["entity"], group["has_more"]) for group in groups] == [("credential", False)]
    (hit,) = groups[0]["data"]
    assert hit.items() >= {"entity": "credential", "id": str(row.pk), "name": "Dune"}.items()


def test_nothing_of_another_organization_is_found(make_client, stranger, row):
    theirs = make_client(stranger.organizations.get(), Scope.READ)

    for text in ("dune", "plan:pro", str(row.pk), f"id:{row.pk}"):
        assert theirs.get(f"/v1/search?q={text}").json()["data"] == []


@pytest.mark.parametrize(
    "path", ["search?q=status:green", "credentials?search=status:green", "syncs?search=id:z"]
)
def test_a_filter_that_is_not_valid_is_refused(api, row, path):
    response = api.get(f"/v1/{path}")

    assert response.status_code == 422
    assert "status is one of" in response.text or "An id has the digits" in response.text


@pytest.mark.parametrize(("text", "count"), [("plan:pro dune", 1), ("plan:free", 0), ("ÜNE", 0)])
def test_the_list_of_credentials_takes_the_language(api, row, text, count):
    found = api.get(f"/v1/credentials?search={text}").json()["data"]

    assert len(found) == count
