"""The pages of streams, and streams on the pages of syncs."""

import pytest

from sequin_admin.access.models import Organization
from sequin_admin.syncs import streams, syncs
from sequin_admin.syncs.models import Stream, Sync
from tests.dashboard.conftest import address
from tests.edit_forms import submit
from tests.factories import make_credential

NEW = "/streams/new/"


@pytest.fixture
def credential(organization):
    return make_credential(organization, "stripe_key", name="Arrakis")


@pytest.fixture
def prod(organization):
    return streams.create(organization, actor=None, slug="prod")


def test_an_empty_list_says_what_a_stream_is(owner):
    page = owner.get("/streams/").content.decode()

    assert "No streams yet" in page
    assert "Add a stream" in page


def test_one_is_added_renamed_and_deleted(owner):
    answer = owner.post(NEW, {"slug": "prod"})
    stream = Stream.objects.get()
    assert answer["Location"] == address("stream", stream.pk)

    submit(owner, address("stream_edit", stream.pk), {"slug": "production"})
    assert "production" in owner.get("/streams/").content.decode()

    owner.post(address("stream_delete", stream.pk))
    assert not Stream.objects.exists()


@pytest.mark.parametrize(
    ("slug", "said"),
    [("Prod!", "lowercase letters"), ("prod", "There is a stream prod already"), ("", "required")],
)
def test_a_slug_that_can_not_be_is_explained_at_the_field(owner, prod, organization, slug, said):
    dev = streams.create(organization, actor=None, slug="dev")

    added = owner.post(NEW, {"slug": slug})
    renamed = submit(owner, address("stream_edit", dev.pk), {"slug": slug})

    for answer in (added, renamed):
        assert answer.status_code == 422
        assert said in answer.content.decode()
    assert set(Stream.objects.values_list("slug", flat=True)) == {"prod", "dev"}


def test_the_form_of_a_sync_asks_for_a_stream_once_there_is_one(owner, credential, organization):
    url = address("add_sync", credential.pk)
    assert 'name="stream"' not in owner.get(url).content.decode()
    prod = streams.create(organization, actor=None, slug="prod")
    assert 'name="stream"' in owner.get(url).content.decode()

    owner.post(url, {"name": "One", "sync_frequency": "1d", "stream": prod.pk})
    owner.post(url, {"name": "Two", "sync_frequency": "1d", "stream": ""})

    chosen = dict(Sync.objects.values_list("name", "stream__slug"))
    assert chosen == {"One": "prod", "Two": None}


def test_a_sync_keeps_its_stream(owner, prod, credential, organization):
    dev = streams.create(organization, actor=None, slug="dev")
    sync = syncs.create(credential, actor=None, name="Invoices", stream=prod)
    url = address("sync_edit", sync.pk)

    assert 'name="stream"' not in owner.get(url).content.decode()
    submit(owner, url, {"name": "Bills", "sync_frequency": "1d", "stream": dev.pk})

    sync.refresh_from_db()
    assert (sync.name, sync.stream) == ("Bills", prod)


def test_nobody_chooses_another_organizations_stream(owner, prod, credential, stranger):
    other = Organization.objects.get(slug="giedi-prime")
    theirs = streams.create(other, actor=None, slug="harkonnen")
    url = address("add_sync", credential.pk)

    answer = owner.post(url, {"name": "One", "sync_frequency": "1d", "stream": theirs.pk})

    assert answer.status_code == 422
    assert not Sync.objects.exists()
    assert "harkonnen" not in owner.get("/streams/").content.decode()


def test_syncs_are_listed_by_stream(owner, prod, credential):
    syncs.create(credential, actor=None, name="In it", stream=prod)
    syncs.create(credential, actor=None, name="Elsewhere")

    page = owner.get("/syncs/", {"stream": prod.pk}).content.decode()

    assert "In it" in page
    assert "Elsewhere" not in page
    assert f'<option value="{prod.pk}" selected>' in page
    assert "matches" in owner.get("/syncs/", {"stream": "nonsense"}).content.decode()
    assert "In it" in owner.get(address("stream", prod.pk)).content.decode()


def test_a_list_searches_counts_and_asks_little(
    owner, organization, credential, django_assert_max_num_queries
):
    for number in range(20):
        stream = streams.create(organization, actor=None, slug=f"api-{number}")
        syncs.create(credential, actor=None, name="Invoices", stream=stream)

    with django_assert_max_num_queries(10):
        page = owner.get("/streams/").content.decode()
    assert page.count("data-row") == page.count('sync<span class="sr-only"> in api-') == 20
    assert owner.get("/streams/", {"q": "API-1"}).content.decode().count("data-row") == 11
    assert "No stream matches" in owner.get("/streams/", {"q": "x"}).content.decode()
