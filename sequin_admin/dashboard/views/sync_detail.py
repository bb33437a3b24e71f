"""The page of a sync: its tabs."""

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.front import render_tab
from sequin_admin.dashboard.views.syncs import get_owned_or_404
from sequin_admin.limits import models as limits
from sequin_admin.syncs import syncs
from sequin_admin.syncs.health import keep_consumers


@require_GET
@may(Action.VIEW)
def detail(request: Request, pk: str) -> HttpResponse:
    sync = get_owned_or_404(request, pk)
    limit = limits.get_rate_limit(sync.credential)
    context = {"limit": limit, "consumers": keep_consumers(sync)[:100]}
    return render_tab(request, "syncs/detail.html", sync, "sync", context)


@require_GET
@may(Action.VIEW)
def badge(request: Request, pk: str) -> HttpResponse:
    """The image of its status that others may see."""
    sync = get_owned_or_404(request, pk)
    path = reverse("gateway:sync_badge", args=[sync.badge_token]) if sync.badge_token else ""
    context = {"badge": syncs.badge_url(sync), "badge_path": path}
    return render_tab(request, "syncs/badge.html", sync, "sync_badge_page", context)


@require_GET
@may(Action.EDIT)
def danger(request: Request, pk: str) -> HttpResponse:
    return render_tab(
        request, "syncs/danger.html", get_owned_or_404(request, pk), "sync_danger", {}
    )
