"""/v1: the Management API and its documents."""

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from ninja import NinjaAPI

from sequin_admin.api import credentials, errors, oauth_apps
from sequin_admin.api.auth import KeyAuth

api = NinjaAPI(
    title="Sequin Admin Management API",
    version="1",
    description="Credentials, OAuth apps, rate limits and health.",
    auth=KeyAuth(),
    urls_namespace="api",
)
api.add_router("/credentials", credentials.router)
api.add_router("/oauth-apps", oauth_apps.router)
errors.install(api)


def unknown(request: HttpRequest) -> HttpResponse:
    return errors.problem(404, "There is nothing at this address. See /v1/docs for what there is.")


urlpatterns = [path("", api.urls), re_path(r"", unknown)]
