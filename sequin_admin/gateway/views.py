"""The end of a connect trip: the provider sends the browser here."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from sequin_admin.access.models import User
from sequin_admin.connect import flow
from sequin_admin.health import probes


@login_required
@never_cache
@require_GET
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """Finish the trip, probe what came of it, show the credential or the reason there is none."""
    try:
        attempt = flow.finish(
            request.GET.dict(),
            user=cast(User, request.user),
            session_key=request.session.session_key or "",
            provider=provider,
        )
    except flow.BadCallback as error:
        return render(request, "connect/bad_callback.html", {"reason": str(error)}, status=400)
    if attempt.credential is None:
        return redirect("dashboard:connect_failed", pk=attempt.pk)
    probes.verify(attempt.credential)
    messages.success(request, f"{attempt.credential} is connected.")
    return redirect("dashboard:credential", pk=attempt.credential.pk)
