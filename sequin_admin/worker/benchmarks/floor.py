"""The least that giving out a token can cost: one row, one decryption. For benchmarks only."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path

from sequin_admin.connect.models import Token


def one_row(request: HttpRequest, pk: UUID) -> HttpResponse:
    return JsonResponse({"access_token": Token.objects.get(pk=pk).secrets["access_token"]})


urlpatterns = [path("floor/<uuid:pk>", one_row), path("", include("sequin_admin.urls"))]
