"""The edges of HTTP at /v1: statuses and headers of odd requests, as they were recorded.

Whoever rebuilds the way of a request compares here. `RECORD_ANSWERS=1 python -m pytest FILE` writes
the record anew; read the difference before it is kept.
"""

import json
import os
import re
import uuid
from pathlib import Path

from django.conf import settings
from django.test import Client

from sequin_admin.access.models import Scope
from sequin_admin.syncs.models import Stream

RECORD = Path(__file__).with_name("recorded_answers.json")
ONE, UNKNOWN = uuid.UUID(int=1), uuid.UUID(int=2)
STREAMS, STREAM = "/v1/streams", f"/v1/streams/{ONE}"
# Of these only whether they are there.
CHANGING = {
    *("X-Request-Id", "Content-Length", "ETag"),
    *("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
}
TOO_BIG = b"a" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
DEEP = b"[" * 100_000
JSON = "application/json"


def get(path, **headers):
    return {"method": "GET", "path": path, "headers": headers}


def send(method, path, body=b"{}", content_type=JSON, **headers):
    sent = {"method": method, "path": path, "headers": headers}
    return {**sent, "body": body, "content_type": content_type}


# In this order: some leave a row or a claimed key behind.
REQUESTS = {
    "a list": get(STREAMS),
    "one": get(STREAM),
    "a list of one": get(f"{STREAMS}?limit=1"),
    "a limit out of bounds": get(f"{STREAMS}?limit=0"),
    "a limit twice": get(f"{STREAMS}?limit=1&limit=2"),
    "an unknown parameter": get(f"{STREAMS}?nope=1"),
    "NUL in a parameter": get(f"{STREAMS}?search=%00"),
    "a parameter that is no UTF-8": get(f"{STREAMS}?search=%ff"),
    "a cursor of nobody": get(f"{STREAMS}?cursor=AAAA"),
    "an id of nobody": get(f"{STREAMS}/{UNKNOWN}"),
    "an id in upper case": get(f"{STREAMS}/{str(ONE).upper()}"),
    "not an id": get(f"{STREAMS}/not-an-id"),
    "an id and a blank": get(f"{STREAM}%20"),
    "a percent-encoded path": get("/v1/%73treams"),
    "a percent-encoded slash": get("/v1%2Fstreams"),
    "a path that is no UTF-8": get("/v1/%ff"),
    "dots in the path": get("/v1/kinds/../streams"),
    "encoded dots in the path": get("/v1/kinds/%2e%2e/streams"),
    "a slash at the end": get(f"{STREAMS}/"),
    "two slashes at the end": get(f"{STREAMS}//"),
    "two slashes within": get("/v1//streams"),
    "two slashes at the start": get("//v1/streams"),
    "the base without a slash": get("/v1"),
    "the base": get("/v1/"),
    "nothing there": get("/v1/nope"),
    "another case": get("/V1/streams"),
    "the document": get("/v1/openapi.json"),
    "the page": get("/v1/docs"),
    "HEAD of a list": send("HEAD", STREAMS, b""),
    "HEAD of one": send("HEAD", STREAM, b""),
    "HEAD of nobody's": send("HEAD", f"{STREAMS}/{UNKNOWN}", b""),
    "HEAD of nothing": send("HEAD", "/v1/nope", b""),
    "HEAD where one can only post": send("HEAD", "/v1/rate-limits/bulk", b""),
    "OPTIONS of a list": send("OPTIONS", STREAMS, b""),
    "OPTIONS of one": send("OPTIONS", STREAM, b""),
    "OPTIONS of nothing": send("OPTIONS", "/v1/nope", b""),
    "a preflight of CORS": send(
        "OPTIONS", STREAMS, b"", origin="https://a.test", access_control_request_method="POST"
    ),
    "TRACE": send("TRACE", STREAMS, b""),
    "a method of nobody": send("BREW", STREAMS, b""),
    "PUT of a list": send("PUT", STREAMS),
    "PATCH of a list": send("PATCH", STREAMS),
    "DELETE of a list": send("DELETE", STREAMS),
    "POST to one": send("POST", STREAM),
    "no key": get(STREAMS, authorization=""),
    "no key, nothing there": get("/v1/nope", authorization=""),
    "HEAD without a key": send("HEAD", STREAMS, b"", authorization=""),
    "another scheme": get(STREAMS, authorization="Basic c3FuXzp4"),
    "an empty key": get(STREAMS, authorization="Bearer "),
    "a key of nobody": get(STREAMS, authorization="Bearer sqn_nobody"),
    "a key that is no ASCII": get(STREAMS, authorization="Bearer sqn_\u00e4"),
    "another host": get(STREAMS, host="other.test"),
    "a host with a port": get(STREAMS, host="localhost:8000"),
    "no host": get(STREAMS, host=""),
    "a forwarded host": get(STREAMS, x_forwarded_host="other.test"),
    "an empty body": send("POST", STREAMS, b""),
    "not JSON": send("POST", STREAMS, b"{"),
    "a list for an object": send("POST", STREAMS, b"[]"),
    "null": send("POST", STREAMS, b"null"),
    "a name twice": send("POST", STREAMS, b'{"slug": "a", "slug": "b"}'),
    "NUL in a text": send("POST", STREAMS, b'{"slug": "a\\u0000"}'),
    "half a pair of surrogates": send("POST", STREAMS, b'{"slug": "\\ud800"}'),
    "a body that is no UTF-8": send("POST", STREAMS, b'{"slug": "\xff"}'),
    "a body too big": send("POST", STREAMS, TOO_BIG),
    "a body too deep": send("POST", STREAMS, DEEP),
    "another type of body": send("POST", STREAMS, b'{"slug": "plain"}', "text/plain"),
    "a form": send("POST", STREAMS, b"slug=form", "application/x-www-form-urlencoded"),
    "a new row": send("POST", STREAMS, b'{"slug": "new"}'),
    "the same again": send("POST", STREAMS, b'{"slug": "new"}'),
    "with an idempotency key": send("POST", STREAMS, b'{"slug": "k"}', idempotency_key="k-1"),
    "with it again": send("POST", STREAMS, b'{"slug": "k"}', idempotency_key="k-1"),
    "with it for another": send("POST", STREAMS, b'{"slug": "l"}', idempotency_key="k-1"),
    "with a bad idempotency key": send("POST", STREAMS, b'{"slug": "l"}', idempotency_key="a b"),
    "a refused change": send("PATCH", STREAM, b'{"slug": "no good"}'),
    "a change of another version": send("PATCH", STREAM, b'{"slug": "x"}', if_match='"nobody"'),
    "a change of any version": send("PATCH", STREAM, b'{"slug": "x"}', if_match="*"),
    "an answer as XML": get(STREAMS, accept="application/xml"),
    "a part of an answer": get(STREAM, range="bytes=0-1"),
    "any version but this": get(STREAM, if_none_match="*"),
    "compressed": get(STREAMS, accept_encoding="gzip"),
    "a request id of theirs": get(STREAM, x_request_id="theirs-1"),
    "a cookie": get(STREAM, cookie="sessionid=nobody"),
    "a delete": send("DELETE", STREAM, b""),
    "the delete again": send("DELETE", STREAM, b""),
}


def answer_to(token, sent):
    """Status and headers of an answer."""
    named = {name.replace("_", "-"): value for name, value in sent["headers"].items()}
    headers = {"authorization": f"Bearer {token}", "host": "localhost", **named}
    got = Client(raise_request_exception=False).generic(
        sent["method"],
        sent["path"],
        sent.get("body", b""),
        sent.get("content_type", ""),
        headers={name: value for name, value in headers.items() if value},
        # Otherwise the test client takes //v1 for a host.
        **({"PATH_INFO": sent["path"]} if sent["path"].startswith("//") else {}),
    )
    seen = {name: recorded(name, value) for name, value in got.headers.items()}
    return {"status": got.status_code, "headers": dict(sorted(seen.items()))}


def recorded(name, value):
    """What of a header is the same in every run: the order of directives is not."""
    if name == "Content-Security-Policy":
        return "; ".join(sorted(re.sub(r"'nonce-[^']+'", "'nonce-...'", value).split("; ")))
    return "..." if name in CHANGING else value


def test_the_edges_of_http_are_as_they_were(settings, organization, make_client):
    settings.ALLOWED_HOSTS = ["localhost"]
    Stream.objects.create(pk=ONE, organization=organization, slug="first")
    authorization = make_client(organization, *Scope).client.defaults["HTTP_AUTHORIZATION"]
    token = authorization.removeprefix("Bearer ")

    answers = {name: answer_to(token, sent) for name, sent in REQUESTS.items()}

    if "RECORD_ANSWERS" in os.environ:
        RECORD.write_text(json.dumps(answers, indent=1) + "\n")
    assert len(answers) >= 60
    assert answers == json.loads(RECORD.read_text())
