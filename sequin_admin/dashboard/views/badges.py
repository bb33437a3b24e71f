"""One cheap endpoint that keeps every badge on a page fresh."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.listing import ids

MOST = 100
STOP_POLLING = 286  # htmx swaps what comes and asks no more


@require_GET
@may(Action.VIEW)
def badges(request: Request) -> HttpResponse:
    """The badges of `?id=...&id=...`, swapped out of band. Stops when none can change soon."""
    own = Credential.objects.of(request.organization).defer("secrets")
    rows = list(own.filter(pk__in=ids(request.GET.getlist("id")[:MOST])))
    pending = any(may_change(row) for row in rows)
    response = render(request, "credentials/badges.html", {"credentials": rows})
    if not pending:
        response.status_code = STOP_POLLING
    return response


def may_change(credential: Credential) -> bool:
    """Never probed, or a probe is due now."""
    if credential.disabled_at:
        return False
    due = credential.check_due_at
    return not credential.health_status or (due is not None and due <= clock.now())
