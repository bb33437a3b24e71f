"""Browsers leave our site by a page, not by a redirect.

The policy `form-action 'self'` holds for every redirect after a form, also for those at the
provider, which may send people on to any host of its own. A page with a refresh ends that chain,
so no host needs to be allowed: not the customer's own, nor the one of a `redirect_url`.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from sequin_admin.core.languages import ENGLISH

Handler = Callable[[HttpRequest], HttpResponse]
# Headers of the redirect that the page does not take over.
REDIRECT_ONLY = {"location", "content-type", "content-length"}


def leaving_middleware(get_response: Handler) -> Handler:
    """Answer a browser with a page where a program gets the redirect to another site."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        address = response.get("Location", "")
        if response.status_code not in (301, 302, 303, 307, 308) or not leaves(request, address):
            return response
        language = response.get("Content-Language", ENGLISH)
        context = {"address": address, "host": urlsplit(address).netloc, "language": language}
        with translation.override(language):
            page = render(request, "link/leaving.html", context)
        page.cookies = response.cookies
        for name, value in response.items():
            if name.lower() not in REDIRECT_ONLY:
                page[name] = value
        page["Cache-Control"] = "no-store"
        page["Referrer-Policy"] = "no-referrer"
        return page

    return middleware


def leaves(request: HttpRequest, address: str) -> bool:
    """Whether a browser that loads a page is sent to another site."""
    parts = urlsplit(address)
    is_elsewhere = parts.scheme in ("http", "https") and parts.netloc != request.get_host()
    shows_pages = "text/html" in request.headers.get("Accept", "")
    return is_elsewhere and shows_pages and "HX-Request" not in request.headers
