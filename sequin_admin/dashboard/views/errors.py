"""The pages for unhandled errors, and for attempts beyond allauth's limits."""

import sys

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from sequin_admin.core.availability import RETRY_AFTER_S, is_database_error, mark_told
from sequin_admin.dashboard import account_events


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """What allauth answers beyond its limits, with an event."""
    account_events.record_limited(request)
    return render(request, "429.html", status=429)


def server_error(request: HttpRequest) -> HttpResponse:
    """Render the 500 page with the request id, which is in the log.

    It uses no context processor, because one of them may have failed. While the database is away:
    503, and no line in the log for each request, as the log says so once.
    """
    error = sys.exception()
    # As the middleware has read it: to read it now may fail.
    signed_in = getattr(request, "membership", None) is not None
    if is_database_error(error):
        page = render_to_string("503.html", {"seconds": RETRY_AFTER_S, "signed_in": signed_in})
        answer = HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_S)})
        mark_told(answer, error)
        return answer
    context = {"request_id": getattr(request, "id", ""), "signed_in": signed_in}
    return HttpResponse(render_to_string("500.html", context), status=500)
