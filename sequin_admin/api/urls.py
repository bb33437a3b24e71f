"""/v1: the Management API and its documents."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from ninja.openapi.docs import Swagger

from sequin_admin.api import (
    api_keys,
    connect_links,
    events,
    incidents,
    kinds,
    oauth_apps,
    organization,
    overview,
)
from sequin_admin.api.credentials import (
    actions,
    authorization_requests,
    bulk,
    collections,
    permits,
    tokens,
    usage,
)
from sequin_admin.api.credentials import views as credentials
from sequin_admin.api.framework import errors
from sequin_admin.api.framework.auth import KeyAuth, add_rate_limit_headers
from sequin_admin.api.framework.idempotency import finishing_claims, idempotent
from sequin_admin.api.framework.json_parser import StrictParser
from sequin_admin.api.notifications import channels, deliveries, webhooks
from sequin_admin.api.openapi.document import Api
from sequin_admin.api.syncs import badges, consumers, streams, targets
from sequin_admin.api.syncs import views as syncs

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
api.add_router("/credentials", authorization_requests.router)
api.add_router("/credentials", bulk.router)
api.add_router("/credentials", credentials.router)
api.add_router("/credentials", actions.router)
api.add_router("/rate-limits", actions.rate_limits)
api.add_router("/credentials", tokens.router)
api.add_router("/credentials", permits.router)
api.add_router("/kinds", kinds.router)
api.add_router("/oauth-apps", oauth_apps.router)
api.add_router("/connect-links", connect_links.router)
api.add_router("/events", events.router)
api.add_router("/health", overview.router)
api.add_router("/incidents", incidents.router)
api.add_router("/webhooks", webhooks.router)
api.add_router("/usage", usage.router)
api.add_router("/credentials", usage.of_credential)
api.add_router("/channels", channels.router)
api.add_router("/customer-deliveries", deliveries.router)
api.add_router("/streams", streams.router)
api.add_router("/syncs", syncs.router)
api.add_router("/syncs", badges.router)
api.add_router("/organization", organization.router)
api.add_router("/members", organization.members)
api.add_router("/collections", collections.router)
api.add_router("/consumers/postgres", consumers.router)
api.add_router("/targets/postgres", targets.router)
api.add_router("/api-keys", api_keys.router)
errors.add_exception_handlers(api)


def finishing_responses(view: Any) -> Callable[..., HttpResponse]:
    """Add the rate limit headers, and turn Django's 405 into an error in JSON."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = view(request, *args, **kwargs)
        add_rate_limit_headers(request, response)
        if response.status_code != 405:
            return response
        problem = errors.problem_response(405, f"Send {response['Allow']} to this address.")
        problem["Allow"] = response["Allow"]
        return problem

    return wrapped


def unknown(request: HttpRequest) -> HttpResponse:
    return errors.problem_response(404, errors.UNKNOWN_PATH)


unknown.csrf_exempt = True  # type: ignore[attr-defined]

routes, _, namespace = api.urls
for route in routes:
    view = api.serve_document if getattr(route, "name", "") == "openapi-json" else route.callback
    route.callback = finishing_claims(finishing_responses(view))

urlpatterns = [
    path("", unknown),
    path("", (routes, "ninja", namespace)),
    re_path("", unknown),
]
