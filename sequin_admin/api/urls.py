"""/v1: the Management API and its documents."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path, re_path
from ninja.openapi.docs import Swagger

from sequin_admin.api.framework import errors
from sequin_admin.api.framework.auth import KeyAuth
from sequin_admin.api.framework.idempotency import View, finishing_claims, idempotent
from sequin_admin.api.framework.json_parser import StrictParser
from sequin_admin.api.framework.responses import finishing_responses
from sequin_admin.api.openapi.document import Api
from sequin_admin.api.resources import RESOURCES
from sequin_admin.api.routes import Routes

api = Api(
    title="Sequin Admin Management API",
    version="1",
    auth=KeyAuth(),
    parser=StrictParser(),
    # Otherwise Swagger sends the document's address to a public validator.
    docs=Swagger({"validatorUrl": None}),
    urls_namespace="api",
)
api.add_decorator(idempotent, mode="operation")
for address, name in RESOURCES:
    api.add_resource(address, name)
errors.add_exception_handlers(api)


def unknown(request: HttpRequest) -> HttpResponse:
    return errors.problem_response(404, errors.UNKNOWN_PATH)


unknown.csrf_exempt = True  # type: ignore[attr-defined]


def fixed_first(route: URLPattern | URLResolver) -> list[bool]:
    """Sorts a fixed part of an address before a parameter in its place."""
    return [part.startswith("<") for part in str(route.pattern).split("/")]


routes, _, namespace = api.urls
routes.sort(key=fixed_first)
for route in routes:
    view = api.serve_document if getattr(route, "name", "") == "openapi-json" else route.callback
    route.callback = finishing_claims(finishing_responses(cast(View, view)))


urlpatterns = [
    path("", unknown),
    path("", (routes, "ninja", namespace)),
    re_path("", unknown),
]
# The same for the lane, which resolves every request.
quick_routes = Routes(routes)
