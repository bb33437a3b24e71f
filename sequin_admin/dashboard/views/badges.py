"""One cheap endpoint that keeps every badge on a page fresh."""

import uuid

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard.access import Request, may

MOST = 100
STOP_POLLING = 286  # htmx swaps what comes and asks no more


@require_GET
@may(Action.VIEW)
def badges(request: Request) -> HttpResponse:
    """The badges of `?id=...&id=...`, swapped out of band. Stops when none can change soon."""
    ids = [known for known in map(as_uuid, request.GET.getlist("id")[:MOST]) if known]
    rows = list(Credential.objects.of(request.organization).filter(pk__in=ids).defer("secrets"))
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


def as_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
