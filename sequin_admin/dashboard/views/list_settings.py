"""Saved views and hidden columns of lists. They have no operation in `/v1`: they are the pages' own
and a person's, and a key is no person. So a viewer keeps them, too."""

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from sequin_admin.access import list_settings
from sequin_admin.access.models import SavedView
from sequin_admin.access.policy import Action
from sequin_admin.core.names import clean_name
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.list_settings import KeptList
from sequin_admin.dashboard.views import (
    audit,
    causes,
    connect_links,
    consumers,
    credential_list,
    expiry,
    fleet_usage,
    oauth_apps,
    runs,
    streams,
    syncs,
    targets,
)

LISTED = (consumers, fleet_usage, oauth_apps, runs, streams, syncs, targets)
NAMED = (each.LIST.kept for each in LISTED)
OTHERS = (audit, causes, connect_links, credential_list, expiry)
LISTS = {kept.name: kept for kept in (*(each.KEPT for each in OTHERS), *NAMED)}


@require_POST
@may(Action.VIEW)
def save_view(request: Request, listed: str) -> HttpResponse:
    kept, query = posted_list(request, listed)
    name = clean_name(request.POST.get("name", "").replace("\x00", ""))
    try:
        view = list_settings.save_view(request.membership, kept.name, name, query)
    except list_settings.BadView as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The view {view} is saved.")
    return redirect_to_list(kept.name, query)


@require_POST
@may(Action.VIEW)
def delete_view(request: Request, pk: str) -> HttpResponse:
    view = get_object_or_404(SavedView, pk=pk, membership=request.membership.pk)
    view.delete()
    messages.success(request, f"The view {view} is deleted.")
    return redirect_to_list(view.listed, view.query)


@require_POST
@may(Action.VIEW)
def choose_columns(request: Request, listed: str) -> HttpResponse:
    kept, query = posted_list(request, listed)
    chosen = request.POST.getlist("column")
    hidden = [column.name for column in kept.columns if column.name not in chosen]
    try:
        list_settings.hide_columns(request.membership, kept.name, hidden)
    except list_settings.BadView as error:
        messages.error(request, str(error))
    return redirect_to_list(kept.name, query)


def posted_list(request: Request, listed: str) -> tuple[KeptList, str]:
    """The list, and what a view keeps of the query that was posted. Raises `Http404`."""
    kept = LISTS.get(listed)
    if kept is None:
        raise Http404(listed)
    return kept, kept.query_of(QueryDict(request.POST.get("query", "")).dict())


def redirect_to_list(listed: str, query: str) -> HttpResponse:
    return redirect(f"{reverse(f'dashboard:{listed}')}?{query}".removesuffix("?"))
