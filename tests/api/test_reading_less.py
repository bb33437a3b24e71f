"""HEAD, If-None-Match and compression: reading without what is known or not wanted."""

import gzip
import json

import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Scope
from sequin_admin.api.framework import etags
from sequin_admin.api.urls import api as declared
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.limits.models import set_limit
from tests.api.schema_values import WORDS, make_rows
from tests.factories import make_credential, make_oauth_app

READS = [path for path, of in declared.get_openapi_schema()["paths"].items() if "get" in of]
CHANGING = {"X-Request-Id", "RateLimit-Remaining", "RateLimit-Reset", "Content-Length", "ETag"}


@pytest.fixture
def full(make_client, organization):
    return make_client(organization, *Scope)


@pytest.fixture
def stream(full):
    return f"/v1/streams/{full.post('/v1/streams', {'slug': 'prod'}).json()['id']}"


def get_again(client, path, etag, **query):
    return client.call("GET", path, headers={"If-None-Match": etag}, **query)


@pytest.mark.parametrize("path", ["/v1/streams", "one"])
def test_what_is_known_is_not_sent_again(full, stream, path):
    path = stream if path == "one" else path
    etag = full.get(path)["ETag"]

    same = get_again(full, path, etag)
    full.patch(stream, {"slug": "renamed"})
    other = get_again(full, path, etag)

    assert (same.status_code, same.content, same["ETag"]) == (304, b"", etag)
    assert "RateLimit-Remaining" in same
    assert (other.status_code, other["ETag"] == etag) == (200, False)


def change_limit(credential):
    rate = Rate(allowed_requests=7, interval=500, max_concurrent_requests=0)
    set_limit(credential, rate, actor=None)


def change_app(credential):
    OAuthApp.objects.filter(pk=credential.oauth_app_id).update(name="Renamed")


def change_health(credential):
    Credential.objects.filter(pk=credential.pk).update(health_status="customer_intervention")


def change_nothing(credential):
    """Another row is not on this page."""
    make_credential(credential.organization, "sendgrid_key")


@pytest.mark.parametrize("query", [{}, {"provider": "hubspot", "sort": "name"}])
@pytest.mark.parametrize(
    ("change", "status"),
    [(change_limit, 200), (change_app, 200), (change_health, 200), (change_nothing, 304)],
)
def test_a_list_is_known_until_something_in_it_changes(full, organization, change, status, query):
    app = make_oauth_app(organization, "hubspot")
    one = make_credential(organization, "hubspot_oauth2", oauth_app=app)
    query = {**query, "kind": "hubspot_oauth2"}
    before = full.get("/v1/credentials", **query)

    change(one)
    again = get_again(full, "/v1/credentials", before["ETag"], **query)

    assert again.status_code == status
    assert (again["ETag"] == before["ETag"]) == (status == 304)


def test_a_known_list_is_looked_up_in_one_trip(full, organization, django_assert_num_queries):
    make_credential(organization, "stripe_key")
    etag = full.get("/v1/credentials")["ETag"]

    with django_assert_num_queries(1):
        assert get_again(full, "/v1/credentials", etag).status_code == 304


def test_a_revoked_key_is_not_told_what_is_known(full, organization):
    make_credential(organization, "stripe_key")
    etag = full.get("/v1/credentials")["ETag"]
    keys.revoke(ApiKey.objects.get(), actor=None)

    assert get_again(full, "/v1/credentials", etag).status_code == 401


@pytest.mark.postgresql
def test_another_version_of_our_code_may_show_rows_otherwise(full, organization, monkeypatch):
    make_credential(organization, "stripe_key")
    etag = full.get("/v1/credentials")["ETag"]
    monkeypatch.setattr(etags, "source_digest", lambda: "00000000")

    assert get_again(full, "/v1/credentials", etag).status_code == 200


@pytest.mark.parametrize("known", ['"nobody"', "nonsense", ""])
def test_another_version_is_sent(full, stream, known):
    assert get_again(full, stream, known).status_code == 200


def test_one_of_many_known_versions_is_enough(full, stream):
    etag = full.get(stream)["ETag"]

    assert get_again(full, stream, f'"nobody", W/{etag}').status_code == 304
    assert get_again(full, stream, "*").status_code == 304


def test_secrets_are_never_left_out(full, organization):
    """Their reading is audited, so it has to be one."""
    path = f"/v1/credentials/{make_credential(organization, 'stripe_key').pk}"
    etag = full.get(path)["ETag"]

    shown = get_again(full, path, etag, truncate_secrets="false")
    token = get_again(full, f"{path}/token", "*")

    assert (shown.status_code, token.status_code) == (200, 200)
    assert "ETag" not in token


def test_an_error_is_not_left_out(full):
    assert get_again(full, "/v1/streams/not-an-id", "*").status_code == 404


def test_head_answers_as_get_does_on_every_read(full, organization):
    ids, wrong = {**make_rows(organization), **WORDS}, {}

    for path in READS:
        got, head = (full.call(method, path.format(**ids)) for method in ("GET", "HEAD"))
        seen = [
            (a.status_code, {n: v for n, v in a.headers.items() if n not in CHANGING})
            for a in (got, head)
        ]
        if seen[0] != seen[1] or got.headers.keys() != head.headers.keys():
            wrong[path] = seen
        assert got.content
        assert not head.content

    assert len(READS) > 40
    assert wrong == {}


def test_head_names_the_length_of_what_get_sends(full, stream):
    got, head = full.get(stream), full.call("HEAD", stream)

    assert head["Content-Length"] == str(len(got.content))
    assert head["ETag"] == got["ETag"]


def test_head_takes_a_key_and_its_scope(client, make_client, organization, stream):
    writer = make_client(organization, Scope.WRITE)

    assert client.head(stream).status_code == 401
    assert writer.call("HEAD", stream).status_code == 403


def test_a_list_is_compressed_where_that_is_accepted(full, organization):
    for number in range(3):
        make_credential(organization, "stripe_key", name=f"Arrakis {number}")
    plain = full.get("/v1/credentials")

    packed = full.call("GET", "/v1/credentials", headers={"Accept-Encoding": "gzip"})

    assert packed["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.content)) == plain.json()
    assert packed["ETag"] == plain["ETag"]
    assert "Accept-Encoding" in packed["Vary"]
    assert int(packed["Content-Length"]) == len(packed.content) < len(plain.content)


def test_one_row_keeps_its_strong_etag(full, stream):
    """Compression would weaken it, and If-Match takes strong ones only."""
    answer = full.call("GET", stream, headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in answer
    assert not answer["ETag"].startswith("W/")
