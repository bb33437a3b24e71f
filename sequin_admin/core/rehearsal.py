"""A page that nobody asked for, before the first request.

Its templates, the routes and what Python notes in the code that it runs are then there before
web processes are forked, which share it; each would write it anew, and so copy 15 MB of the memory
that they share.
"""

from io import BytesIO
from typing import cast
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from django.conf import settings
from django.db import connections
from django.http.response import HttpResponseBase

from sequin_admin.core import metrics
from sequin_admin.core.loading import loading

log = structlog.get_logger(__name__)
# All see it who are not signed in.
PAGE = "/accounts/login/"


def rehearse(application: WSGIApplication) -> str:
    """Build the page, which is counted nowhere. Returns its status, or nothing where it fails: the
    API is served without pages, too."""
    statuses: list[str] = []
    with loading():
        try:
            start = cast(StartResponse, lambda status, *_: statuses.append(status))
            page = application(environ(), start)
            if isinstance(page, HttpResponseBase):
                page.close()
        except Exception as error:
            log.warning("no page can be built", path=PAGE, reason=str(error))
        finally:
            metrics.REQUESTS.clear()
            connections.close_all()
    return "".join(statuses)


def environ() -> WSGIEnvironment:
    """Of a request by https to a host that we answer."""
    host = next(iter(settings.ALLOWED_HOSTS), "*").lstrip(".").replace("*", "localhost")
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": PAGE,
        "QUERY_STRING": "",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": host,
        "SERVER_NAME": host,
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(),
    }
