"""Bounds on what one organization may store, on every door."""

import json
import threading

import pytest
from django.db import connection
from pydantic import ValidationError

from sequin_admin.access.ceilings import CeilingReached
from sequin_admin.access.models import ApiKey, Organization, Scope
from sequin_admin.api.framework.schemas import Body
from sequin_admin.connect import links
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core.metadata import METADATA_BYTES, METADATA_LEVELS, check_metadata
from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import MetadataField
from sequin_admin.credentials.models import Credential
from sequin_admin.notifications.models import Channel
from sequin_admin.syncs import targets
from sequin_admin.syncs.models import Sync, Target
from tests.factories import make_credential
from tests.patience import PATIENCE_S

KEY = {"kind": "stripe_key", "account_id": "acct_1", "name": "A", "secret": "sk_test_1"}
PLACE = {"host": "db.test", "database": "spice", "username": "sequin"}
SYNC = {"name": "S", "provider": "stripe", "collection_ids": ["stripe:invoice"]}
TARGET = {"name": "DB", "connection": {**PLACE, "password": "spice-must-flow"}}


def nested(levels):
    value = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


LONG = {"note": "x" * METADATA_BYTES}
DEEP = nested(METADATA_LEVELS + 1)


def test_metadata_up_to_the_bounds_is_taken():
    longest = {"note": "x" * (METADATA_BYTES - len(b'{"note":""}'))}

    assert check_metadata(longest) == longest
    assert check_metadata(nested(METADATA_LEVELS))
    assert check_metadata({"a": [[["b"]]], "c": "text"})


@pytest.mark.parametrize(
    "value",
    [LONG, DEEP, {"note": "\u00fc" * METADATA_BYTES}, {"a": json.loads("[" * 99 + "]" * 99)}],
)
def test_metadata_beyond_them_is_refused(value):
    with pytest.raises(ValueError, match="Metadata may"):
        check_metadata(value)


def bodies(base=Body):
    """Every schema of a request's body that has metadata."""
    for schema in base.__subclasses__():
        yield from bodies(schema)
        if "metadata" in schema.model_fields:
            yield schema


@pytest.mark.parametrize("value", [LONG, DEEP], ids=["long", "deep"])
def test_no_body_takes_metadata_out_of_bounds(value):
    found = list(bodies())
    assert len(found) >= 11

    for schema in found:
        with pytest.raises(ValidationError) as refused:
            schema.model_validate({"metadata": value})
        messages = {detail["loc"]: detail["msg"] for detail in refused.value.errors()}
        assert "Metadata may" in messages[("metadata",)], schema


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/credentials", {"properties": KEY}),
        ("/v1/targets/postgres", TARGET),
        ("/v1/connect-links", {"kinds": ["stripe_key"]}),
    ],
)
def test_metadata_out_of_bounds_is_named(api, path, body):
    answer = api.post(path, {**body, "metadata": LONG})

    assert answer.status_code == 422
    assert "up to 16,384 bytes" in answer.json()["validation_errors"]["metadata"][0]


def test_a_bulk_import_refuses_metadata_out_of_bounds(api):
    body = {"credentials": [{"properties": KEY, "metadata": LONG}]}

    answer = api.post("/v1/credentials/bulk", body)

    assert answer.status_code == 422
    assert not Credential.objects.exists()


@pytest.mark.parametrize("value", [LONG, DEEP], ids=["long", "deep"])
def test_forms_refuse_metadata_out_of_bounds(value):
    with pytest.raises(Exception, match="Metadata may"):
        MetadataField(required=False).clean(json.dumps(value))


def test_what_is_above_already_stays_readable_and_changeable(api, organization):
    credential = make_credential(organization, "stripe_key", name="Arrakis")
    Credential.objects.update(metadata=LONG)
    one = f"/v1/credentials/{credential.pk}"

    assert api.get(one).json()["metadata"] == LONG
    assert api.patch(one, {"name": "Dune"}).json()["metadata"] == LONG


@pytest.fixture
def full(settings):
    """No room for anything."""
    for name in ("API_KEYS", "CHANNELS", "CONNECT_LINKS", "SYNCS", "TARGETS"):
        setattr(settings, f"MAX_{name}", 0)


CREATED = [
    ("/v1/targets/postgres", TARGET, Target),
    ("/v1/channels", {"kind": "mail", "name": "Mail", "address": "a@arrakis.test"}, Channel),
    ("/v1/webhooks", {"name": "Hook", "url": "https://hooks.arrakis.test/"}, Channel),
    ("/v1/connect-links", {"kinds": ["stripe_key"]}, ConnectLink),
    ("/v1/api-keys", {"name": "Key", "scopes": ["read"]}, None),
]


@pytest.mark.parametrize(("path", "body", "model"), CREATED, ids=[row[0] for row in CREATED])
def test_above_the_ceiling_is_a_conflict(make_client, organization, request, path, body, model):
    client = make_client(organization, *Scope)
    request.getfixturevalue("full")

    answer = client.post(path, body)

    assert answer.status_code == 409, answer.content
    assert "raise MAX_" in answer.json()["summary"]
    assert model is None or not model.objects.exists()


def test_a_sync_above_the_ceiling_is_a_conflict(api, organization, full):
    credential = make_credential(organization, "stripe_key", name="Arrakis")

    answer = api.post("/v1/syncs", {**SYNC, "credential_id": str(credential.pk)})

    assert answer.status_code == 409
    assert not Sync.objects.exists()


def test_bulk_links_name_those_that_were_left_out(api, organization, settings):
    settings.MAX_CONNECT_LINKS = 1
    made = [make_credential(organization, "stripe_key", name=f"No. {n}") for n in range(3)]

    body = {"credential_ids": [str(credential.pk) for credential in made]}
    answer = api.post("/v1/connect-links/bulk", body).json()

    assert len(answer["data"]) == 1
    assert len(answer["left_out"]) == 2
    assert "MAX_CONNECT_LINKS" in answer["left_out"][0]["reason"]


def test_what_is_there_stays_and_counts_for_its_own_organization_only(api, organization, settings):
    made = api.post("/v1/targets/postgres", TARGET).json()
    settings.MAX_TARGETS = 1
    other = Organization.objects.create(name="Caladan", slug="caladan")

    assert api.post("/v1/targets/postgres", TARGET).status_code == 409
    one = f"/v1/targets/postgres/{made['id']}"
    assert api.get(one).json() == made
    assert api.patch(one, {"name": "Lake"}).status_code == 200
    assert targets.create(other, actor=None, password="x", name="Theirs", **PLACE)
    assert api.delete(one).status_code == 204
    assert api.post("/v1/targets/postgres", TARGET).status_code == 201


def test_a_closed_link_and_a_revoked_key_make_room(organization, settings):
    settings.MAX_CONNECT_LINKS = 1
    link = links.create(organization, [kinds.get("stripe_key")], actor=None)
    with pytest.raises(CeilingReached):
        links.create(organization, [kinds.get("stripe_key")], actor=None)

    links.revoke(link, actor=None)

    assert links.create(organization, [kinds.get("stripe_key")], actor=None)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_do_not_pass_the_ceiling(organization, settings):
    settings.MAX_TARGETS = 3
    refused, start = [], threading.Barrier(12)

    def create(number):
        try:
            start.wait(PATIENCE_S)
            targets.create(organization, actor=None, password="x", name=f"{number}", **PLACE)
        except CeilingReached as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=create, args=[n]) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)

    assert Target.objects.count() == 3
    assert len(refused) == 9


PAGES = [
    ("/targets/new/", {"name": "DB", "port": 5432, "ssl_mode": "prefer", "password": "x", **PLACE}),
    ("/api-keys/new/", {"name": "Key", "scopes": ["read"]}),
    ("/connect-links/new/stripe/", {"kinds": ["stripe_key"], "days": "7"}),
]


@pytest.mark.parametrize(("path", "sent"), PAGES, ids=[row[0] for row in PAGES])
def test_a_page_says_so_in_its_form(client, user, full, path, sent):
    client.force_login(user)

    answer = client.post(path, sent)

    assert answer.status_code == 422, answer.content.decode()
    assert "ask who runs this installation to raise MAX_" in answer.content.decode()
    assert not ApiKey.objects.exists()
