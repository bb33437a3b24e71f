"""The application that gunicorn serves."""

from typing import cast
from wsgiref.types import StartResponse, WSGIEnvironment

from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from sequin_admin.api.lane import is_for_api


class ApplicationHandler(WSGIHandler):
    """Django's, which leaves out for the API what it does around every request for pages: signals,
    of whose receivers only the one for connections matters here, the prefix that links in pages
    get, and answers that are produced while they are sent."""

    def __call__(
        self, variables: WSGIEnvironment, start_response: StartResponse
    ) -> HttpResponseBase:
        if not is_for_api(variables["PATH_INFO"]) or variables.get("SCRIPT_NAME"):
            return super().__call__(variables, start_response)
        close_old_connections()
        request = self.request_class(variables)
        try:
            response = cast(HttpResponse, self.get_response(request))
            status = f"{response.status_code} {response.reason_phrase}"
            # Only error pages set any.
            cookies = [("Set-Cookie", each.OutputString()) for each in response.cookies.values()]
            start_response(status, [*response.headers.items(), *cookies])
            return cast(HttpResponseBase, [response.content])
        finally:
            request.close()
            close_old_connections()
