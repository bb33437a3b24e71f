"""The lane of /v1: an API request leaves the middleware before what only pages need.

No session, no CSRF token, no messages: whoever calls is known by the key alone. What holds for
every request (its id, headers, metrics, limits of bodies, https) stands before the lane in
`MIDDLEWARE`. The reference page, /v1/docs, is a page.
"""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.urls import URLResolver
from django.urls.resolvers import RegexPattern

from sequin_admin.api.framework.light_headers import with_light_headers

Handler = Callable[[HttpRequest], HttpResponse]
PREFIX, PAGE = "/v1/", "/v1/docs"
# Nothing that an answer holds is to be shown by a browser or run in it.
CONTENT_SECURITY_POLICY = "default-src 'none'; frame-ancestors 'none'"


def lane(get_response: Handler) -> Handler:
    """Middleware that answers requests to the API itself."""
    urls = import_module("sequin_admin.api.urls")  # When all apps are loaded.
    resolver = URLResolver(RegexPattern(f"^{PREFIX}"), urls.urlpatterns)

    def answer(request: HttpRequest) -> HttpResponse:
        request.get_host()  # Raises `DisallowedHost`, which becomes 400.
        found = urls.quick_routes.find(request.path_info.removeprefix(PREFIX))
        if found is None:
            match = resolver.resolve(request.path_info)
            found = match.func, match.kwargs
        view, arguments = found
        response: HttpResponse = view(request, **arguments)
        return response

    guarded = cast(Handler, convert_exception_to_response(answer))

    def middleware(request: HttpRequest) -> HttpResponse:
        if not is_for_api(request.path_info):
            return get_response(request)
        response = with_light_headers(guarded(request))
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        response.headers.setdefault("Content-Length", str(len(response.content)))
        return response

    return middleware


def is_for_api(path: str) -> bool:
    return path.startswith(PREFIX) and path != PAGE
