"""The language of a customer's page: chosen on the page, of the link, or of the browser."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest
from django.utils import translation

from sequin_admin.core.languages import LANGUAGES, choose_language

SESSION_KEY = "customer_language"
PARAMETER = "language"


@contextmanager
def in_language(request: HttpRequest) -> Iterator[None]:
    """Activate the language for this request, until the view ends. `speak_as()` may change it."""
    switched = request.GET.get(PARAMETER, "")
    if switched in LANGUAGES and switched != request.session.get(SESSION_KEY):
        request.session[SESSION_KEY] = switched
    with translation.override(language_of(request)):
        yield


def speak_as(request: HttpRequest, language: str) -> None:
    """Use the language of the link, unless the customer has chosen one."""
    translation.activate(language_of(request, language))


def language_of(request: HttpRequest, *wanted: str) -> str:
    chosen = request.session.get(SESSION_KEY, "")
    return choose_language(chosen, *wanted, accepted=request.headers.get("Accept-Language", ""))
