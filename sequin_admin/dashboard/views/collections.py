"""The collections of a credential, and the syncs that read them."""

from collections.abc import Iterator, Sequence

from django.contrib import messages
from django.db.models import Count, Window
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from sequin_admin.access.policy import Action
from sequin_admin.core.actors import actor_of
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard import live
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.front import render_tab
from sequin_admin.dashboard.listing import parse_uuids
from sequin_admin.dashboard.live import Current
from sequin_admin.syncs import catalogue
from sequin_admin.syncs.models import Refresh


def get_owned_or_404(request: Request, pk: str) -> Credential:
    rows = Credential.objects.of(request.organization).select_related("oauth_app")
    return get_object_or_404(rows.defer("secrets", "oauth_app__secrets"), pk=pk)


@require_GET
@may(Action.VIEW)
def collections(request: Request, pk: str) -> HttpResponse:
    credential = get_owned_or_404(request, pk)
    context = {"collections": collections_part(credential)}
    return render_tab(request, "collections/index.html", credential, "credential_syncs", context)


@live.register("collections", "collections/card.html")
def load_collections(request: Request, keys: Sequence[str]) -> Iterator[Current]:
    rows = Credential.objects.of(request.organization).defer("secrets")
    return map(collections_part, rows.filter(pk__in=parse_uuids(keys[:1])))


def collections_part(credential: Credential) -> Current:
    found = catalogue.list_collections(credential)
    counted = credential.syncs.annotate(all=Window(Count("pk")))
    syncs = list(counted.order_by("name")[:20])
    refresh = Refresh.objects.filter(pk=credential.pk).first()
    status = refresh and refresh.status
    return Current(
        "collections",
        str(credential.pk),
        state=(status, refresh and refresh.error, len(found), [str(row.pk) for row in syncs]),
        details=[(row.name, row.health_status, str(row.disabled_at)) for row in syncs],
        context={
            "credential": credential,
            "collections": found,
            "refresh": refresh,
            "syncs": syncs,
            "sync_count": vars(syncs[0])["all"] if syncs else 0,
        },
        soon=status == Refresh.Status.PROCESSING,
    )


@require_POST
@may(Action.EDIT)
def refresh(request: Request, pk: str) -> HttpResponse:
    credential = get_owned_or_404(request, pk)
    catalogue.start_refresh(credential, actor=actor_of(request))
    messages.success(request, f"A worker reads the collections of {credential} now.")
    return redirect("dashboard:credential_syncs", pk=pk)
