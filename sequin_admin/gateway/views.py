"""The end of a connect trip: the provider sends the browser here, whoever is on the way."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from sequin_admin.connect import flow, handovers
from sequin_admin.connect.models import Attempt
from sequin_admin.gateway import connect
from sequin_admin.gateway.pages import person, public_page
from sequin_admin.health import probes


@require_GET
@public_page
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """Finish the trip and send the browser back to who sent it: us, a link, another product."""
    try:
        attempt = flow.finish(
            request.GET.dict(),
            user=person(request),
            session_key=request.session.session_key or "",
            provider=provider,
        )
    except flow.BadCallback as error:
        return render(request, "connect/bad_callback.html", {"reason": str(error)}, status=400)
    if attempt.handover:
        return redirect(handovers.answer(attempt.handover, attempt))
    if attempt.link:
        return connect.after_trip(request, attempt.link, attempt)
    return after_own_trip(request, attempt)


def after_own_trip(request: HttpRequest, attempt: Attempt) -> HttpResponse:
    """Probe what came of it, show the credential or the reason there is none."""
    if attempt.credential is None:
        return redirect("dashboard:connect_failed", pk=attempt.pk)
    probes.verify(attempt.credential)
    messages.success(request, f"{attempt.credential} is connected.")
    return redirect("dashboard:credential", pk=attempt.credential.pk)
