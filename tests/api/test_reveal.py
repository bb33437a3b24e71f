"""`truncate_secrets=false`: needs a scope, is audited, and can be imported again."""

import pytest

from sequin_admin.access.models import Scope
from sequin_admin.audit.models import Event
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.properties import MASK
from tests.factories import (
    PEM,
    give_secrets,
    make_credential,
    make_oauth_app,
    sample_properties,
    sample_value,
)

URL = "/v1/credentials"
KINDS = pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)


@pytest.fixture
def reader(make_client, organization):
    """A key that may read secrets, and write."""
    return make_client(organization, Scope.READ, Scope.WRITE, Scope.SECRETS)


def full_properties(kind):
    """All properties, with numbers as strings, which are accepted too."""
    declared = kind.properties_class
    sent = sample_properties(kind)
    for name in declared.names():
        if declared.options_of(name).get("read_only"):
            sent[name] = sample_value(declared, name, "sample")
    return {n: str(v) if type(v) is int else v for n, v in sent.items()}


@KINDS
def test_what_is_read_can_be_posted_as_it_is(reader, kind):
    made = reader.post(URL, {"properties": full_properties(kind)}).json()
    read = reader.get(f"{URL}/{made['id']}", truncate_secrets="false").json()
    before = Credential.objects.get()

    again = reader.post(URL, {"properties": read["properties"]})

    assert (again.status_code, again.json()["id"]) == (200, made["id"])
    after = Credential.objects.get()
    assert (after.properties, after.secrets) == (before.properties, before.secrets)
    assert MASK not in str(read["properties"])
    assert set(kind.properties_class.names()) == {*read["properties"]} - {"kind"}


@pytest.mark.parametrize("path", ["", "/{id}"])
def test_it_takes_a_scope_of_its_own(api, organization, path):
    credential = make_credential(organization, "stripe_key")

    answer = api.get(f"{URL}{path.format(id=credential.pk)}", truncate_secrets="false")

    assert answer.status_code == 403
    assert "scope secrets" in answer.json()["summary"]
    assert not Event.objects.filter(action="credential.revealed").exists()


@pytest.mark.parametrize("path", ["", "/{id}"])
def test_each_reading_is_audited_with_its_purpose(reader, organization, path):
    credential = make_credential(organization, "stripe_key")
    address = f"{URL}{path.format(id=credential.pk)}"

    answer = reader.get(address, truncate_secrets="false", purpose="moving house")

    assert credential.secrets["secret"] in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    event = Event.objects.about(credential).get(action="credential.revealed")
    assert (event.details["purpose"], event.actor_type) == ("moving house", "apikey")
    assert credential.secrets["secret"] not in str(event.details)


def test_it_is_written_down_before_anything_is_shown(reader, organization, monkeypatch):
    credential = make_credential(organization, "stripe_key")

    def full(*args, **kwargs):
        raise OSError("No space left on device.")

    monkeypatch.setattr(Event, "save", full)
    reader.client.raise_request_exception = False

    answer = reader.get(f"{URL}/{credential.pk}", truncate_secrets="false")

    assert answer.status_code == 500
    assert credential.secrets["secret"] not in answer.content.decode()


def test_without_asking_nothing_is_shown_or_audited(reader, organization):
    credential = make_credential(organization, "stripe_key")

    one = reader.get(f"{URL}/{credential.pk}", purpose="just looking")

    assert one.json()["properties"]["secret"] == MASK
    assert reader.get(URL).json()["data"][0] == one.json()
    assert set(reader.get(URL).json()) == {"data", "next_cursor"}
    assert not Event.objects.filter(action="credential.revealed").exists()


def test_the_etag_does_not_depend_on_it(reader, organization):
    address = f"{URL}/{make_credential(organization, 'stripe_key').pk}"

    tag = reader.get(address, truncate_secrets="false")["ETag"]

    assert tag == reader.get(address)["ETag"]
    changed = reader.call("PATCH", address, {"name": "Melange"}, headers={"If-Match": tag})
    assert changed.status_code == 200


def test_the_oauth_app_of_a_credential_stays_masked(reader, organization):
    app = make_oauth_app(organization, "hubspot", secrets={"client_secret": "hush-hush"})
    make_credential(organization, "hubspot_oauth2", oauth_app=app)

    answer = reader.get(URL, truncate_secrets="false")

    assert "hush-hush" not in answer.content.decode()


@pytest.fixture
def unreadable(organization):
    """A credential whose secrets were copied from another row."""
    good, bad = (make_credential(organization, "stripe_key", identity=n) for n in "12")
    give_secrets(good, to=bad)
    return good, bad


def test_one_that_no_key_opens_does_not_hide_the_others(reader, unreadable):
    good, bad = unreadable

    answer = reader.get(URL, truncate_secrets="false").json()

    shown = {row["id"]: row["properties"]["secret"] for row in answer["data"]}
    assert shown == {str(good.pk): good.secrets["secret"], str(bad.pk): MASK}
    assert list(answer["unreadable"]) == [str(bad.pk)]
    assert "enter them again" in answer["unreadable"][str(bad.pk)]
    assert not Event.objects.about(bad).filter(action="credential.revealed").exists()


def test_read_by_itself_it_is_a_conflict_with_a_sentence(reader, unreadable):
    answer = reader.get(f"{URL}/{unreadable[1].pk}", truncate_secrets="false")

    assert answer.status_code == 409
    assert "enter them again" in answer.json()["summary"]


@pytest.mark.parametrize(
    ("query", "named"),
    [({"purpose": "x" * 201}, "purpose"), ({"truncate": "false"}, "truncate")],
)
@pytest.mark.parametrize("path", ["", "/{id}"])
def test_a_parameter_that_can_not_be_is_named(reader, organization, path, query, named):
    credential = make_credential(organization, "stripe_key")

    answer = reader.get(f"{URL}{path.format(id=credential.pk)}", **query)

    assert answer.status_code == 422
    assert list(answer.json()["validation_errors"]) == [named]


def test_an_oauth_app_shows_all_its_secrets(reader, organization):
    secrets = {"client_secret": "hush-hush", "private_key": PEM}
    app = make_oauth_app(organization, "github", secrets=secrets)
    one = f"/v1/oauth-apps/{app.pk}"

    answer = reader.get(one, truncate_secrets="false", purpose="moving house")

    assert answer.json()["client_secret"] == "hush-hush"
    assert answer.json()["properties"]["private_key"] == PEM
    assert answer["ETag"] == reader.get(one)["ETag"]
    assert reader.get(one).json()["client_secret"] == MASK
    event = Event.objects.about(app).get(action="oauth_app.revealed")
    assert event.details["purpose"] == "moving house"


def test_an_oauth_app_takes_the_scope_too(api, organization):
    app = make_oauth_app(organization, "hubspot")

    assert api.get(f"/v1/oauth-apps/{app.pk}", truncate_secrets="false").status_code == 403
