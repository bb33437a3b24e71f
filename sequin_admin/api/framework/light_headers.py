"""Headers of answers that hold nothing a caller sent: names and values of our own, all ASCII.

Django encodes and searches each for line breaks when it is set, and looks it up again when it is
sent: of a small answer, that is a tenth of its cost.
"""

from collections.abc import Collection

from django.http import HttpResponse
from django.http.response import ResponseHeaders


class LightHeaders(ResponseHeaders):
    """Takes what is set as it is."""

    def __setitem__(self, name: str, value: object) -> None:
        self._store[name.lower()] = (name, str(value))

    def setdefault(self, name: str, value: str | bytes | int) -> None:
        self._store.setdefault(name.lower(), (name, str(value)))

    def items(self) -> Collection[tuple[str, str]]:  # type: ignore[override]
        return self._store.values()


def with_light_headers(response: HttpResponse) -> HttpResponse:
    """The response, whose headers so far stay as they are."""
    if type(response.headers) is not LightHeaders:
        light = LightHeaders({})
        light._store = response.headers._store
        response.headers = light
    return response
