"""The page after a confirmation that was opened beside a form."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.dashboard.access import Request, may


@require_GET
@may(Action.VIEW)
def confirmed(request: Request) -> HttpResponse:
    return render(request, "account/confirmed.html")
