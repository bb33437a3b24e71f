"""/v1: the Management API and its documents."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from ninja.openapi.docs import Swagger

from sequin_admin.api import (
    collections,
    consumers,
    credentials,
    errors,
    handovers,
    incidents,
    oauth_apps,
    permits,
    streams,
    syncs,
    targets,
    tokens,
    webhooks,
)
from sequin_admin.api.auth import KeyAuth
from sequin_admin.api.bodies import StrictParser
from sequin_admin.api.documents import Api

api = Api(
    title="Sequin Admin Management API",
    version="1",
    auth=KeyAuth(),
    parser=StrictParser(),
    # Swagger would ask a public validator about the document's address.
    docs=Swagger({"validatorUrl": None}),
    urls_namespace="api",
)
api.add_router("/credentials", handovers.router)
api.add_router("/credentials", credentials.router)
api.add_router("/credentials", tokens.router)
api.add_router("/credentials", permits.router)
api.add_router("/oauth-apps", oauth_apps.router)
api.add_router("/incidents", incidents.router)
api.add_router("/webhooks", webhooks.router)
api.add_router("/streams", streams.router)
api.add_router("/syncs", syncs.router)
api.add_router("/collections", collections.router)
api.add_router("/consumers/postgres", consumers.router)
api.add_router("/targets/postgres", targets.router)
errors.install(api)


def in_json(view: Any) -> Callable[..., HttpResponse]:
    """Say in JSON, too, that an address does not take a method."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = view(request, *args, **kwargs)
        if answer.status_code != 405:
            return answer
        said = errors.problem(405, f"Send {answer['Allow']} to this address.")
        said["Allow"] = answer["Allow"]
        return said

    return wrapped


def unknown(request: HttpRequest) -> HttpResponse:
    return errors.problem(404, errors.NOWHERE)


unknown.csrf_exempt = True  # type: ignore[attr-defined]

routes, _, namespace = api.urls
for route in routes:
    view = api.served if getattr(route, "name", "") == "openapi-json" else route.callback
    route.callback = in_json(view)

urlpatterns = [
    path("", unknown),
    path("", (routes, "ninja", namespace)),
    re_path("", unknown),
]
