"""The endpoint that pages poll to refresh their badges."""

from collections.abc import Sequence
from hashlib import sha256

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_GET

from sequin_admin.access.models import OwnedQuerySet
from sequin_admin.access.policy import Action
from sequin_admin.core import clock
from sequin_admin.core.monitored import Monitored
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.listing import parse_uuids
from sequin_admin.health.entities import deferred_columns, monitored_models

MAX_BADGES = 100
STOP_POLLING = 286  # https://htmx.org/docs/#polling


@require_GET
@may(Action.VIEW)
def badges(request: Request) -> HttpResponse:
    """The badges of `?credential=...&oauth_app=...`, swapped out of band.

    304 while none has changed; stops when none can change soon.
    """
    subjects = load_subjects(request)
    pending = any(may_change(subject) for subject in subjects)
    tag = etag(subjects, pending)
    unchanged = get_conditional_response(request, etag=tag)
    response = unchanged or render(request, "components/badges.html", {"subjects": subjects})
    if not pending and not unchanged:
        response.status_code = STOP_POLLING
    response["ETag"] = tag
    patch_cache_control(response, private=True, no_cache=True)
    return response


def load_subjects(request: Request) -> list[Monitored]:
    """The requested objects of the organization, with one query per model."""
    found: list[Monitored] = []
    for entity, model in monitored_models().items():
        wanted = parse_uuids(request.GET.getlist(entity)[: MAX_BADGES - len(found)])
        if wanted:
            rows = OwnedQuerySet[Monitored](model).of(request.organization)
            found += rows.filter(pk__in=wanted).defer(*deferred_columns(model))
    return found


def etag(subjects: Sequence[Monitored], pending: bool) -> str:
    """Changes with the badges, and every minute because badges show relative times."""
    minute = int(clock.now().timestamp() // 60)
    shown = [
        (
            str(row.pk),
            row.health_status,
            row.health_note,
            str(row.health_since),
            row.is_disabled(),
            row.has_run(),
        )
        for row in subjects
    ]
    return f'"{sha256(repr((minute, pending, shown)).encode()).hexdigest()[:32]}"'


def may_change(subject: Monitored) -> bool:
    """Never checked, or a check is due now."""
    if subject.is_disabled():
        return False
    due = subject.check_due_at
    return not subject.health_status or (due is not None and due <= clock.now())
