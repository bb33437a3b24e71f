"""Bodies are bounded before they are read."""

import json
from io import BytesIO

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.urls import reverse

from sequin_admin.access import keys
from sequin_admin.access.models import Scope
from sequin_admin.credentials.models import Credential

FORM = "application/x-www-form-urlencoded"
BULK = {
    "credentials": [
        {"properties": {"kind": "checkout_champ_password", "login_id": "1", "password": "x"}}
    ]
}


class Unread(BytesIO):
    """A body that fails the test when it is read."""

    def read(self, *args):
        raise AssertionError("The body was read.")

    readline = read


@pytest.fixture
def bearer(organization):
    token = keys.create(organization, name="k", scopes=[Scope.READ, Scope.WRITE], actor=None)[1]
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/accounts/login/", 1_000_000),
        ("/link/oauth2/token", 1_000_000),
        ("/staff/login/", 1_000_000),
        ("/organization/", settings.FILE_UPLOAD_MAX_MEMORY_SIZE),
        ("/v1/credentials/bulk", 10_000_000),
    ],
)
def test_a_body_that_is_too_big_is_not_read(client, db, path, limit):
    stream = {"wsgi.input": Unread(), "CONTENT_LENGTH": str(limit + 1), "CONTENT_TYPE": FORM}
    response = client.post(path, **stream)

    assert response.status_code == 413
    assert f"{limit:,} bytes" in response.content.decode()


def chunked(body):
    return {
        "wsgi.input": BytesIO(body),
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
    }


def test_a_chunked_import_is_read(client, bearer, organization):
    body = json.dumps(BULK).encode()
    response = client.post(
        "/v1/credentials/bulk", content_type="application/json", **bearer, **chunked(body)
    )

    assert response.status_code == 200, response.content
    assert Credential.objects.of(organization).count() == 1


def test_a_chunked_form_is_read(client, user):
    body = b"login=paul@arrakis.test&password=spice+must+flow"
    response = client.post("/accounts/login/", content_type=FORM, **chunked(body))

    assert response.status_code == 302


@pytest.mark.parametrize(
    ("path", "limit"), [("/accounts/login/", 1_000_000), ("/v1/credentials/bulk", 10_000_000)]
)
def test_a_chunked_body_is_read_up_to_the_limit_only(client, db, path, limit):
    sent = chunked(b"x" * (limit + 50))
    response = client.post(path, content_type=FORM, **sent)

    assert response.status_code == 413
    assert sent["wsgi.input"].tell() == limit + 1


@pytest.mark.parametrize("path", ["/accounts/login/", "/v1/credentials/bulk", "/link/oauth2/token"])
def test_a_file_is_refused_where_none_is_accepted(client, db, path, monkeypatch):
    def write(*args, **kwargs):
        raise AssertionError("A file was written.")

    monkeypatch.setattr(TemporaryFileUploadHandler, "new_file", write)
    with_file = {"login": "a", "file": SimpleUploadedFile("a.bin", b"x" * 100_000)}
    response = client.post(path, with_file)

    assert response.status_code == 400
    assert "without a file" in response.content.decode()


def test_a_logo_stays_in_memory(client, user, monkeypatch):
    """It is too large for other pages, and refused here as it is no picture."""
    client.force_login(user)
    handlers = []
    new_file = TemporaryFileUploadHandler.new_file
    monkeypatch.setattr(
        TemporaryFileUploadHandler, "new_file", lambda *a, **k: handlers.append(1) or new_file(*a)
    )
    logo = SimpleUploadedFile("a.png", b"x" * 1_900_000)
    response = client.post(reverse("dashboard:organization"), {"name": "A", "logo": logo})

    assert response.status_code == 422
    assert handlers == []


def test_what_is_no_length_is_no_body(client, db):
    assert client.post("/accounts/login/", CONTENT_LENGTH="many").status_code == 200
