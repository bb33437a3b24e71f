"""The page for unhandled errors."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string


def server_error(request: HttpRequest) -> HttpResponse:
    """Render the 500 page with the request id, which is in the log.

    It uses no context processor, because one of them may have failed.
    """
    context = {"request_id": getattr(request, "id", "")}
    return HttpResponse(render_to_string("500.html", context), status=500)
