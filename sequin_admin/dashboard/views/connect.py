"""The page after a connect trip that ended without a credential."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.connect.models import Attempt
from sequin_admin.credentials import kinds
from sequin_admin.dashboard.access import Request, may


@require_GET
@may(Action.VIEW)
def failed(request: Request, pk: str) -> HttpResponse:
    own = Attempt.objects.of(request.organization).select_related("reconnects", "oauth_app")
    attempt = get_object_or_404(own.exclude(failure=""), pk=pk)
    context = {"attempt": attempt, "kind": kinds.get(attempt.kind)}
    return render(request, "connect/failed.html", context)
