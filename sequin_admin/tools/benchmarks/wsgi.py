"""The product's application, and beside it, in the same process, what it is compared with: the
views of `floor` behind all of the middleware that an API request passed before its lane.
"""

from collections.abc import Iterable
from importlib import import_module
from wsgiref.types import StartResponse, WSGIEnvironment

from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

product = import_module("sequin_admin.wsgi").application
# A copy of `MIDDLEWARE` of the commit before `sequin_admin.api.lane`: the list stays as it is here.
FORMER_MIDDLEWARE = [
    "sequin_admin.dashboard.middleware.request_id",
    "sequin_admin.dashboard.middleware.headers",
    "sequin_admin.gateway.status.status_middleware",
    "sequin_admin.dashboard.body_limits.body_limits",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "sequin_admin.gateway.leaving.leaving_middleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "sequin_admin.dashboard.middleware.organization",
    "sequin_admin.dashboard.middleware.FreshLogin",
]
COMPARED = ("/bare/", "/floor/")

with override_settings(MIDDLEWARE=FORMER_MIDDLEWARE):
    former = WSGIHandler()


def application(request: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    chosen = former if request["PATH_INFO"].startswith(COMPARED) else product
    answer: Iterable[bytes] = chosen(request, start_response)
    return answer
