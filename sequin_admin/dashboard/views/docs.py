"""The reference of all kinds, from their declarations, and the handbook."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.credentials import kinds
from sequin_admin.credentials.property_docs import properties_of
from sequin_admin.dashboard import handbook
from sequin_admin.dashboard.access import Request, may


@require_GET
@may(Action.VIEW)
def kinds_page(request: Request) -> HttpResponse:
    shown = [{"kind": kind, "rows": properties_of(kind.properties_class)} for kind in kinds.all()]
    return render(request, "docs/kinds.html", {"kinds": shown})


@require_GET
@may(Action.VIEW)
def handbook_page(request: Request, name: str) -> HttpResponse:
    shown = {"page": handbook.load_page(name), "pages": handbook.titles()}
    return render(request, "docs/handbook.html", shown)
