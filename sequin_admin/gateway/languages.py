"""The language of a customer's page: chosen on the page, of the link, or of the browser."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from sequin_admin.core.languages import LANGUAGES, choose_language

# A cookie and not the session, which nobody should get by asking for any address.
COOKIE, COOKIE_PATH = "customer_language", "/link/"
COOKIE_S = 30 * 24 * 3600
PARAMETER = "language"
# The request's attribute that holds the language of its link.
OF_LINK = "link_language"


@contextmanager
def in_language(request: HttpRequest) -> Iterator[None]:
    """Activate the language for this request, until the view ends. `speak_as()` may change it."""
    with translation.override(language_of(request)):
        yield


def remember_switch(request: HttpRequest, response: HttpResponse) -> None:
    """Keep the language that was chosen on the page for those that follow."""
    switched = request.GET.get(PARAMETER, "")
    if switched in LANGUAGES:
        response.set_cookie(
            COOKIE,
            switched,
            max_age=COOKIE_S,
            path=COOKIE_PATH,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def speak_as(request: HttpRequest, language: str) -> None:
    """Use the language of the link, unless the customer has chosen one; also for what fails."""
    vars(request)[OF_LINK] = language
    translation.activate(language_of(request))


def language_of(request: HttpRequest) -> str:
    chosen = (request.GET.get(PARAMETER, ""), request.COOKIES.get(COOKIE, ""))
    of_link = vars(request).get(OF_LINK, "")
    return choose_language(*chosen, of_link, accepted=request.headers.get("Accept-Language", ""))
