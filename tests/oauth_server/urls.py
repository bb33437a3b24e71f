"""The package's endpoints, a login, and a resource that needs an access token."""

from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from oauth2_provider.decorators import protected_resource


def enter(request: HttpRequest) -> HttpResponse:
    """Log the caller in as the server's only user."""
    login(request, get_user_model().objects.get())
    return HttpResponse("Welcome.")


@protected_resource(scopes=["read"])
def me(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"account": request.resource_owner.get_username()})


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("enter", enter),
    path("me", me),
]
