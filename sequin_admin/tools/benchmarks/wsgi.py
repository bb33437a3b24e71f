"""The product's application, and beside it, in the same process, what it is compared with: the
views of `floor` behind all of the middleware that an API request passed before its lane.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

from sequin_admin.wsgi import application as product

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


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    chosen = former if environ["PATH_INFO"].startswith(COMPARED) else product
    answer: Iterable[bytes] = chosen(environ, start_response)
    return answer
