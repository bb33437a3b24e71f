"""The application that gunicorn serves answers as Django's handler, which does more for each."""

from io import BytesIO

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory

from sequin_admin.access import keys
from sequin_admin.access.models import Scope
from sequin_admin.api.application import ApplicationHandler
from tests.factories import make_credential

URL = "/v1/credentials"
REQUESTS = {
    "one": ("GET", "{one}", {}),
    "its head": ("HEAD", "{one}", {}),
    "a list, zipped": ("GET", URL, {"HTTP_ACCEPT_ENCODING": "gzip"}),
    "no such": ("GET", f"{URL}/6e09e78e-5c70-4e07-aad0-d16215dc245f", {}),
    "a wrong method": ("PUT", "{one}", {}),
    "no address": ("GET", "/v1/nothing", {}),
    "a host of others": ("GET", "{one}", {"HTTP_HOST": "evil.example"}),
    "no key": ("GET", "{one}", {"HTTP_AUTHORIZATION": ""}),
    "the reference": ("GET", "/v1/docs", {}),
    "a prefix": ("GET", "{one}", {"SCRIPT_NAME": "/below"}),
    "a page": ("GET", "/accounts/login/", {}),
    "alive": ("GET", "/healthz", {}),
}
# Of each answer its own.
VARYING = ("X-Request-Id", "RateLimit-Remaining", "RateLimit-Reset", "Set-Cookie")


def answer(handler, environ):
    """Status, headers without those that vary, the names of all, and the length of the body."""
    started = []
    response = handler(
        {**environ, "wsgi.input": BytesIO()},
        lambda status, headers: started.extend([status, headers]),
    )
    body = b"".join(response)
    status, headers = started
    same = {name: value for name, value in headers if name not in VARYING}
    same.pop("Content-Security-Policy" if "nonce" in str(same) else "", "")
    return status, same, sorted(name for name, _ in headers), len(body)


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_each_answer_is_that_of_djangos_handler(organization, request_):
    method, path, extra = request_
    one = make_credential(organization, "stripe_key")
    _, token = keys.create(organization, name="k", scopes=[Scope.READ], actor=None)
    headers = {"HTTP_AUTHORIZATION": f"Bearer {token}", **extra}
    path = path.format(one=f"{URL}/{one.pk}")
    environ = RequestFactory().generic(method, path, **headers).environ

    wanted, got = (answer(made(), environ) for made in (WSGIHandler, ApplicationHandler))

    assert got == wanted
