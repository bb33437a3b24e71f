"""The package's endpoints, a login, and a resource that needs an access token."""

import json

from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from oauth2_provider.decorators import protected_resource

from tests.oauth_server.claims import CLAIMS


def enter(request: HttpRequest) -> HttpResponse:
    """Log the caller in as the server's first user, or as a person with these claims."""
    people = get_user_model().objects
    name = request.GET.get("name", "arrakis")
    CLAIMS[name] = json.loads(request.GET.get("claims", "{}"))
    login(request, people.get_or_create(username=name)[0])
    return HttpResponse("Welcome.")


@protected_resource(scopes=["read"])
def me(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"account": request.resource_owner.get_username()})


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("enter", enter),
    path("me", me),
]
