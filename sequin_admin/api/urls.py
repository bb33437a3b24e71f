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
from sequin_admin.api.framework.auth import KeyAuth, put_limits
from sequin_admin.api.framework.idempotency import once, settled
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
    # Swagger would ask a public validator about the document's address.
    docs=Swagger({"validatorUrl": None}),
    urls_namespace="api",
)
api.add_decorator(once, mode="operation")
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
errors.install(api)


def finished(view: Any) -> Callable[..., HttpResponse]:
    """Say what is left of the key's minute; and in JSON, too, that an address does not take a
    method."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = view(request, *args, **kwargs)
        put_limits(request, answer)
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
    route.callback = settled(finished(view))

urlpatterns = [
    path("", unknown),
    path("", (routes, "ninja", namespace)),
    re_path("", unknown),
]
