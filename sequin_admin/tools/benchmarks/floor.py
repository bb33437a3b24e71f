"""Minimal views to compare with: one that does nothing, one with a query and a decryption.

And one that says how much processor time the process has used.
"""

import time
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path

from sequin_admin.tokens.models import Token


def one_row(request: HttpRequest, pk: UUID) -> HttpResponse:
    return JsonResponse({"access_token": Token.objects.get(pk=pk).secrets["access_token"]})


def bare(request: HttpRequest, pk: UUID) -> HttpResponse:
    return JsonResponse({"id": pk})


def used(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"processor_s": time.process_time()})


urlpatterns = [
    path("used", used),
    path("floor/<uuid:pk>", one_row),
    path("bare/<uuid:pk>", bare),
    path("", include("sequin_admin.urls")),
]
