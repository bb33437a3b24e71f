"""/v1/streams, and the streams of syncs."""

import pytest

from sequin_admin.access.models import Organization, Scope
from sequin_admin.audit.models import Event
from sequin_admin.syncs import streams
from sequin_admin.syncs.models import Stream, Sync
from tests.factories import make_credential

URL, SYNCS = "/v1/streams", "/v1/syncs"


@pytest.fixture
def prod(api):
    return api.post(URL, {"slug": "prod"}).json()


@pytest.fixture
def sent(organization):
    """A request body for a sync."""
    credential = make_credential(organization, "stripe_key")
    return {
        "provider": "stripe",
        "name": "Invoices",
        "collection_ids": ["stripe:invoice"],
        "credential_id": str(credential.pk),
    }


def test_from_creation_to_deletion(api, organization):
    made = api.post(URL, {"slug": "prod"})
    assert made.status_code == 201, made.content
    shown, one = made.json(), f"{URL}/{made.json()['id']}"

    assert list(shown) == ["id", "slug", "org_id", "created_at", "updated_at"]
    assert (shown["slug"], shown["org_id"]) == ("prod", str(organization.pk))
    assert api.get(one).json() == shown
    assert api.get(one)["ETag"] == made["ETag"]
    assert api.patch(one, {"slug": "production"}).json()["slug"] == "production"
    assert [row["slug"] for row in api.get(URL).json()["data"]] == ["production"]
    assert api.delete(one).status_code == 204
    assert api.get(one).status_code == 404
    about = Event.objects.filter(target_id=shown["id"]).values_list("action", flat=True)
    assert sorted(about) == ["stream.changed", "stream.created", "stream.deleted"]


@pytest.mark.parametrize("slug", ["", "Prod", "pro d", "prod_1", "-prod", "prod-", "é", "a" * 61])
def test_a_slug_is_lowercase_letters_digits_and_dashes(api, slug):
    answer = api.post(URL, {"slug": slug})

    assert list(answer.json()["validation_errors"]) == ["slug"]
    assert not Stream.objects.exists()


@pytest.mark.parametrize("slug", ["a", "7", "prod-2", "eu--west", "a" * 60])
def test_such_slugs_are_taken(api, slug):
    assert api.post(URL, {"slug": slug}).json()["slug"] == slug


def test_a_slug_is_one_of_its_kind_in_its_organization(api, prod, stranger):
    other = Organization.objects.get(slug="giedi-prime")
    streams.create(other, actor=None, slug="dev")
    dev = api.post(URL, {"slug": "dev"}).json()

    again = api.post(URL, {"slug": "prod"})
    renamed = api.patch(f"{URL}/{dev['id']}", {"slug": "prod"})

    for answer in (again, renamed):
        assert answer.status_code == 422
        assert "There is a stream prod already" in answer.json()["validation_errors"]["slug"][0]
    assert api.get(f"{URL}/{dev['id']}").json() == dev


@pytest.mark.parametrize("body", [{}, {"slug": None}, {"slug": "prod"}])
def test_nothing_sent_changes_nothing(api, prod, body):
    assert api.patch(f"{URL}/{prod['id']}", body).json() == prod
    assert not Event.objects.filter(action="stream.changed").exists()


def test_one_that_syncs_write_to_is_not_deleted_and_says_by_whom(api, prod, sent):
    api.post(SYNCS, {**sent, "stream_id": prod["id"]})

    answer = api.delete(f"{URL}/{prod['id']}")

    assert answer.status_code == 409
    assert answer.json()["summary"].startswith("prod is used by 1 sync: Invoices.")
    assert Stream.objects.exists()


def test_an_old_version_is_not_overwritten(api, prod):
    one, seen = f"{URL}/{prod['id']}", {"If-Match": api.get(f"{URL}/{prod['id']}")["ETag"]}
    api.patch(one, {"slug": "production"})

    assert api.call("PATCH", one, {"slug": "live"}, headers=seen).status_code == 412
    assert api.call("DELETE", one, headers=seen).status_code == 412


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"slug": "live"}), ("DELETE", None)])
def test_a_key_that_only_reads_changes_nothing(make_client, organization, prod, method, body):
    reader = make_client(organization, Scope.READ)

    assert reader.call(method, f"{URL}/{prod['id']}", body).status_code == 403
    assert reader.post(URL, {"slug": "dev"}).status_code == 403
    assert Stream.objects.get().slug == "prod"


def test_a_sync_names_its_stream_or_none(api, prod, sent):
    with_one = api.post(SYNCS, {**sent, "stream_id": prod["id"]}).json()
    without = api.post(SYNCS, sent).json()

    assert (with_one["stream_id"], without["stream_id"]) == (prod["id"], None)
    found = api.get(SYNCS, stream_id=prod["id"]).json()["data"]
    assert [row["id"] for row in found] == [with_one["id"]]


def test_a_sync_keeps_its_stream(api, prod, sent):
    made = api.post(SYNCS, {**sent, "stream_id": prod["id"]}).json()

    answer = api.patch(f"{SYNCS}/{made['id']}", {"stream_id": None})

    assert list(answer.json()["validation_errors"]) == ["stream_id"]
    assert str(Sync.objects.get().stream_id) == prod["id"]


def test_nobody_writes_to_another_organizations_stream(api, stranger, sent):
    other = Organization.objects.get(slug="giedi-prime")
    theirs = streams.create(other, actor=None, slug="prod")

    answer = api.post(SYNCS, {**sent, "stream_id": str(theirs.pk)})

    assert list(answer.json()["validation_errors"]) == ["stream_id"]
    assert not Sync.objects.exists()
