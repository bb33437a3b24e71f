"""What goes from columns to bytes is what the schema would write."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Scope
from sequin_admin.api.credentials import schemas as credential_schemas
from sequin_admin.api.credentials.tokens import TokenShape
from sequin_admin.api.oauth_apps import schemas as app_schemas
from sequin_admin.api.syncs import consumers, streams, target_schemas
from sequin_admin.api.syncs import schemas as sync_schemas
from sequin_admin.api.syncs import views as syncs
from sequin_admin.core import clock
from sequin_admin.core.metadata import METADATA_BYTES
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.limits.models import set_limit
from sequin_admin.syncs.models import Consumer, Stream, Sync, Target
from sequin_admin.tokens.models import Token
from tests.factories import make_credential, make_oauth_app, make_synced

URL = "/v1/credentials"
DAY = timedelta(days=1)
EDGES = {
    "empty": {},
    "integers": {"n": [0, -1, 2**53, -(2**53), 2**63, 2**64, -(2**63), 2**70, 10**22]},
    "floats": {"n": [0.1, 1.5e-7, 1e-10, 123456.789, 2.5e15, 1.7976931348623157e308, 5e-324]},
    "a float beside a long integer": {"a": 1.25, "b": 2**64, "c": 0.1234567890123456789},
    "digits in a text": {"a": "12345678901234567890", "b": 7},
    "other alphabets": {"ключ": "日本語", "e\u0301": "\u2028\u2029"},
    "pairs of surrogates": {"😀": "𝄞 and 👩‍👩‍👧"},
    "what is escaped": {'"\\/': "\b\f\n\r\t\u0001\u001f\u007f<&>"},
    "constants": {"a": None, "b": True, "c": False, "d": []},
    "the longest": {"long": "a" * (METADATA_BYTES - len('{"long":""}'))},
    "the deepest": {"1": {"2": {"3": {"4": {"5": {"6": {"7": {"8": {"9": {"10": 1}}}}}}}}}},
}


def written(schema, values):
    return schema.model_validate(values).model_dump_json().encode()


def stored(credential):
    rows = Credential.objects.select_related("oauth_app", "rate_limit")
    return credential_schemas.credential_out(rows.get(pk=credential.pk))


@pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)
def test_every_kind_is_written_as_by_its_schema(api, organization, kind):
    uses_app = kind.client_is_ours()
    app = make_oauth_app(organization, kind.provider) if uses_app else None
    one = make_credential(organization, kind.slug, oauth_app=app)

    wanted = written(credential_schemas.CredentialShape, stored(one))

    assert api.get(f"{URL}/{one.pk}").content == wanted
    assert api.get(URL).content == b'{"data":[' + wanted + b'],"next_cursor":null}'
    assert api.get(URL, kind=kind.slug).content == api.get(URL).content


@pytest.mark.parametrize("kind", ["stripe_key", "shopify_oauth2", "hubspot_oauth2"])
def test_a_token_is_written_as_by_its_schema(make_client, organization, kind):
    one = make_credential(organization, kind)
    Token.objects.create(
        credential=one, version=1, secrets={"access_token": "spice"}, expires_at=clock.now() + DAY
    )

    got = make_client(organization, Scope.SECRETS).get(f"{URL}/{one.pk}/token")

    assert got.content == written(TokenShape, got.json())


def exact(text):
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


@pytest.mark.parametrize("metadata", EDGES.values(), ids=EDGES)
def test_metadata_comes_back_as_it_was_sent(api, organization, metadata):
    one = make_credential(organization, "stripe_key")
    changed = api.patch(f"{URL}/{one.pk}", {"metadata": metadata})

    got = api.get(f"{URL}/{one.pk}")

    assert changed.status_code == 200
    # PostgreSQL writes 1e300 with all its digits: the same number.
    assert exact(got.content)["metadata"] == exact(json.dumps(metadata))
    assert got["ETag"] == changed["ETag"]
    assert got.content == written(credential_schemas.CredentialShape, stored(one))


def test_an_own_limit_an_app_and_a_status_are_written(api, organization):
    app = make_oauth_app(organization, "hubspot", metadata={"n": 2**64}, scopes=["a", "b"])
    rows = [
        make_credential(organization, "hubspot_oauth2", oauth_app=app, properties={"hub_id": n})
        for n in (1, 2)
    ]
    set_limit(
        rows[0], kinds.Rate(allowed_requests=7, interval=500, max_concurrent_requests=0), actor=None
    )
    Credential.objects.filter(pk=rows[1].pk).update(health_status="sequin_intervention")
    wanted = {"data": [stored(row) for row in reversed(rows)], "next_cursor": None}

    listed = api.get(URL)

    data = listed.json()["data"]
    assert [each["rate_limit"]["allowed_requests"] for each in data][1] == 7
    assert [each["health"]["status"] for each in data] == ["sequin_intervention", "healthy"]
    assert [each["oauth_app"]["metadata"] for each in data] == [{"n": 2**64}] * 2
    assert json.loads(written(credential_schemas.CredentialList, wanted)) | {} == {
        **listed.json(),
        "unreadable": {},
    }


def test_oauth_apps_are_written_as_by_their_schema(api, organization):
    pks = [make_oauth_app(organization, each).pk for each in ("hubspot", "github")]
    shown = [app_schemas.oauth_app_out(OAuthApp.objects.get(pk=pk)) for pk in reversed(pks)]
    wanted = [written(app_schemas.OAuthAppShape, each) for each in shown]

    assert api.get("/v1/oauth-apps").content == (
        b'{"data":[' + b",".join(wanted) + b'],"next_cursor":null}'
    )
    assert api.get(f"/v1/oauth-apps/{pks[0]}").content == wanted[1]


def make_pipeline(organization):
    """Rows of every sort, two of each, which differ in what may be missing."""
    app = make_oauth_app(organization, "hubspot")
    made = [
        make_credential(organization, "stripe_key"),
        make_credential(organization, "hubspot_oauth2", oauth_app=app),
    ]
    rate = {"allowed_requests": 3, "interval": 1000, "max_concurrent_requests": 1}
    stream = Stream.objects.create(organization=organization, slug="arrakis")
    Stream.objects.create(organization=organization, slug="caladan")
    extra = {"stream": stream, "rate_limit": rate, "external_id": "42", "max_age_days": 7}
    rows = [make_synced(made[0]), make_synced(made[1], **extra)]
    sync, target, consumer = rows[1]
    now = clock.now()
    Sync.objects.filter(pk=sync.pk).update(disabled_at=now, initial_backfill_completed_at=now)
    Target.objects.filter(pk=target.pk).update(schema="raw", metadata=EDGES["integers"])
    Consumer.objects.filter(pk=consumer.pk).update(disabled_at=now, all_syncs=True)
    rows[0][2].syncs.set([row[0] for row in rows])


PIPELINE = {
    "streams": (streams.StreamShape, streams.stream_out, Stream),
    "syncs": (sync_schemas.SyncShape, syncs.sync_out, Sync),
    "consumers/postgres": (consumers.ConsumerShape, consumers.consumer_out, Consumer),
    "targets/postgres": (target_schemas.TargetShape, target_schemas.target_out, Target),
}


@pytest.mark.parametrize("name", PIPELINE)
def test_a_pipeline_is_written_as_by_its_schemas(make_client, organization, name):
    schema, out, model = PIPELINE[name]
    make_pipeline(organization)
    client, url = make_client(organization, Scope.READ), f"/v1/{name}"
    rows = list(model.objects.order_by("-created_at", "-id"))
    wanted = [schema.model_validate(out(row)) for row in rows]
    written = [each.model_dump_json(by_alias=True).encode() for each in wanted]

    assert client.get(url).content == b'{"data":[' + b",".join(written) + b'],"next_cursor":null}'
    for row, one in zip(rows, written, strict=True):
        assert client.get(f"{url}/{row.pk}").content == one
    listed = client.get(url)["ETag"]
    assert client.call("GET", url, headers={"If-None-Match": listed}).status_code == 304
    searched = client.get(url, search="a", limit=1)
    assert searched.status_code == 200
    followed = client.get(url, limit=1, cursor=client.get(url, limit=1).json()["next_cursor"])
    assert [each["id"] for each in followed.json()["data"]] == [str(rows[1].pk)]


@pytest.mark.parametrize("sort", ["created_at", "-updated_at", "name", "-name"])
@pytest.mark.parametrize("query", [{}, {"provider": "stripe"}], ids=["all", "filtered"])
def test_pages_follow_one_another_in_every_order(api, organization, sort, query):
    for name in ("b", "a", "c", "b", "d"):
        make_credential(organization, "stripe_key", name=name, properties={})
    whole = [each["id"] for each in api.get(URL, sort=sort, **query).json()["data"]]
    found, cursor = [], ""

    while cursor is not None:
        page = api.get(URL, sort=sort, limit=2, cursor=cursor, **query).json()
        found, cursor = found + [each["id"] for each in page["data"]], page["next_cursor"]

    assert (len(whole), found) == (5, whole)


@pytest.mark.usefixtures("transactional_db")
def test_hot_queries_answer_outside_of_a_transaction_too(make_client, organization):
    """Where PostgreSQL keeps their statements: each is sent until it is kept, and once more."""
    client = make_client(organization, *Scope)
    rows = [make_credential(organization, "stripe_key", name=n, properties={}) for n in "bac"]
    one = f"{URL}/{rows[0].pk}"
    for _ in range(3):
        for sort in ("created_at", "-updated_at", "name", "-name"):
            found, cursor = [], ""
            while cursor is not None:
                page = client.get(URL, sort=sort, limit=1, cursor=cursor).json()
                found, cursor = found + page["data"], page["next_cursor"]
            assert found == client.get(URL, sort=sort).json()["data"]
            assert found == client.get(URL, sort=sort, provider="stripe").json()["data"]
            assert len(found) == 3
        assert client.get(one).json() in found
        assert client.patch(one, {"metadata": {"a": [1]}})["ETag"] == client.get(one)["ETag"]
        assert client.get(URL, metadata='{"a": [1]}', search="b").json()["data"]
        assert client.get(f"{one}/token").json()["kind"] == "stripe_key"
        assert client.post(f"{one}/permits", {"n": 1}).status_code == 200


def change_revoked(key):
    keys.revoke(key, actor=None)
    return 401


def change_expired(key):
    ApiKey.objects.filter(pk=key.pk).update(expires_at=clock.now())
    return 401


def change_scopes(key):
    keys.update(key, actor=None, scopes=["permits"])
    return 403


def change_networks(key):
    keys.update(key, actor=None, networks=["203.0.113.0/24"])
    return 403


CHANGES = [change_revoked, change_expired, change_scopes, change_networks]


@pytest.mark.parametrize("there", [True, False], ids=["with a row", "empty"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "path", [URL, f"{URL}?name=nobody", "/v1/oauth-apps", "one", "/v1/consumers/postgres"]
)
def test_a_changed_key_is_noticed_at_the_next_request(api, organization, path, change, there):
    one = make_credential(organization, "stripe_key")
    make_oauth_app(organization, "hubspot")
    path = f"{URL}/{one.pk}" if path == "one" else path
    assert api.get(path).status_code == 200
    if not there:
        Credential.objects.all().delete()
        OAuthApp.objects.all().delete()

    wanted = change(ApiKey.objects.get())

    assert api.get(path).status_code == wanted
