"""The page for what should not have happened."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that it is our fault, with the number that finds it in the log.

    The template gets the number alone: what failed may be what other pages need.
    """
    number = getattr(request, "id", "")
    return HttpResponse(render_to_string("500.html", {"request_id": number}), status=500)
