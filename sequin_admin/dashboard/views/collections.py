"""The collections of a credential, and the syncs that read them."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from sequin_admin.access.policy import Action
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.front import render_tab
from sequin_admin.syncs import catalogue
from sequin_admin.syncs.models import Refresh


def get_owned_or_404(request: Request, pk: str) -> Credential:
    rows = Credential.objects.of(request.organization).select_related("oauth_app")
    return get_object_or_404(rows.defer("secrets", "oauth_app__secrets"), pk=pk)


@require_GET
@may(Action.VIEW)
def collections(request: Request, pk: str) -> HttpResponse:
    """The tab of its syncs, or for htmx the card alone."""
    credential = get_owned_or_404(request, pk)
    context = {
        "collections": catalogue.list_collections(credential),
        "refresh": Refresh.objects.filter(pk=credential.pk).first(),
        "syncs": credential.syncs.order_by("name")[:20],
        "sync_count": credential.syncs.count(),
    }
    return render_tab(
        request, "collections/index.html", credential, "credential_syncs", context, part="card"
    )


@require_POST
@may(Action.EDIT)
def refresh(request: Request, pk: str) -> HttpResponse:
    credential = get_owned_or_404(request, pk)
    catalogue.start_refresh(credential, actor=request.user)
    messages.success(request, f"A worker reads the collections of {credential} now.")
    return redirect("dashboard:credential_syncs", pk=pk)
