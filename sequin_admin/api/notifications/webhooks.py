"""/v1/webhooks: URLs of yours to which events are posted."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Status
from pydantic import Field

from sequin_admin.access.models import Scope
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS
from sequin_admin.api.framework.etags import IfMatch, with_etag
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import Shape
from sequin_admin.api.notifications.channel_calls import ChannelFilters, ChannelResource
from sequin_admin.api.notifications.deliveries import (
    DeliveryFilters,
    DeliveryList,
    DeliveryShape,
    EventShape,
)
from sequin_admin.api.notifications.schemas import (
    ChannelChanges,
    ChannelFields,
    CommonShape,
    common_out,
)
from sequin_admin.notifications import channels
from sequin_admin.notifications.channel_addresses import URL, URL_CHARS
from sequin_admin.notifications.message import TYPES
from sequin_admin.notifications.models import Channel, ChannelKind

Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=URL_CHARS,
        json_schema_extra={"pattern": URL},
        description="Begins with https:// and is reachable from the internet.",
    ),
]


EXAMPLE_URL = "https://hooks.arrakis.example/sequin"


class WebhookCreate(ChannelFields):
    """A new webhook."""

    examples = {
        "incidents": {
            "name": "Pager",
            "url": EXAMPLE_URL,
            "event_types": ["incident.*"],
            "min_severity": "warning",
        }
    }

    url: Url


class WebhookPatch(ChannelChanges):
    """What is left out stays as it is."""

    examples = {
        "stop": {"enabled": False},
        "everything": {"event_types": [], "min_severity": "info"},
    }

    url: Url | None = None


class WebhookShape(CommonShape):
    """A webhook without its signing secret."""

    url: str = Field(examples=[EXAMPLE_URL])


class WebhookWithSecret(WebhookShape):
    """A webhook with its signing secret, which is shown this once."""

    secret: str = Field(
        description="Checks the signatures (standardwebhooks.com). Shown once.",
        examples=["whsec_bm90IGEgcmVhbCBzZWNyZXQ"],
    )


class WebhookList(Shape):
    """A page of webhooks."""

    data: list[WebhookShape]
    next_cursor: str | None


def webhook_out(channel: Channel) -> dict[str, Any]:
    return {**common_out(channel), "url": channel.address}


def webhook_operations() -> dict[str, Any]:
    """What is posted to webhooks, for the OpenAPI document."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    headers = [
        {"in": "header", "name": name, "required": True, "schema": {"type": "string"}}
        for name in names
    ]
    event = {"$ref": f"#/components/schemas/{EventShape.__name__}"}
    body = {"required": True, "content": {"application/json": {"schema": event}}}
    answers = {
        "2XX": {"description": "Taken."},
        "410": {"description": "No more of this: the webhook is disabled."},
        "default": {"description": "Tried again, for up to 24 hours."},
    }
    call = {"tags": ["Webhooks"], "parameters": headers, "requestBody": body, "responses": answers}
    return {type_: {"post": {**call, "summary": words}} for type_, words in TYPES.items()}


router = Resource(
    "Webhooks",
    "Messages to an address of yours when something happens, signed.",
)

resource = ChannelResource("webhook", (ChannelKind.WEBHOOK,), "url", webhook_out)


@router.post("", response={201: WebhookWithSecret, **ERRORS})
def create_webhook(
    request: ApiRequest, payload: WebhookCreate, response: HttpResponse
) -> Status[dict[str, Any]]:
    """The answer has the signing secret, which is not shown again."""
    channel = resource.create(request, ChannelKind.WEBHOOK, payload)
    return Status(201, with_secret(response, channel, channel.secrets["signing"]))


def with_secret(response: HttpResponse, channel: Channel, secret: str) -> dict[str, Any]:
    """The webhook with its secret, which the ETag does not cover."""
    response["Cache-Control"] = "no-store"
    return {**with_etag(response, webhook_out(channel)), "secret": secret}


@router.get("", response={200: WebhookList, **ERRORS})
def list_webhooks(request: ApiRequest, filters: Query[ChannelFilters]) -> dict[str, Any]:
    """Newest first unless sorted otherwise; follow `next_cursor` for more."""
    return resource.list(request, filters)


@router.get("/{webhook_id}", response={200: WebhookShape, **ERRORS})
def get_webhook(request: ApiRequest, webhook_id: UUID, response: HttpResponse) -> dict[str, Any]:
    """One webhook, with its ETag."""
    return with_etag(
        response,
        webhook_out(resource.get_owned_or_404(require_scope(request, Scope.READ), webhook_id)),
    )


@router.patch("/{webhook_id}", response={200: WebhookShape, **ERRORS})
def update_webhook(
    request: ApiRequest,
    webhook_id: UUID,
    payload: WebhookPatch,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Change what is sent; null takes quiet_hours away and leaves the rest as it is. While it is
    disabled nothing is sent, and what waited is not sent later."""
    return with_etag(response, resource.update(request, webhook_id, payload, if_match))


@router.delete("/{webhook_id}", response={204: None, **ERRORS})
def delete_webhook(request: ApiRequest, webhook_id: UUID, if_match: IfMatch = None) -> Status[None]:
    """With the log of its deliveries."""
    resource.delete(request, webhook_id, if_match)
    return Status(204, None)


@router.post("/{webhook_id}/rotate", response={200: WebhookWithSecret, **ERRORS})
def rotate_webhook_secret(
    request: ApiRequest, webhook_id: UUID, response: HttpResponse
) -> dict[str, Any]:
    """A new signing secret. For 24 hours messages carry the signatures of both. Takes the scopes
    `write` and `secrets`: whoever has it can sign as we do."""
    require_scope(request, Scope.SECRETS)
    organization = require_scope(request, Scope.WRITE)
    secret = channels.rotate(
        resource.get_owned_or_404(organization, webhook_id), actor=caller(request)
    )
    return with_secret(response, resource.get_owned_or_404(organization, webhook_id), secret)


@router.post("/{webhook_id}/test", response={200: DeliveryShape, **ERRORS})
def test_webhook(request: ApiRequest, webhook_id: UUID) -> dict[str, Any]:
    """Sends a test now and returns the delivery."""
    return resource.test(request, webhook_id)


@router.get("/{webhook_id}/deliveries", response={200: DeliveryList, **ERRORS})
def list_webhook_deliveries(
    request: ApiRequest, webhook_id: UUID, filters: Query[DeliveryFilters]
) -> dict[str, Any]:
    """Newest first unless sorted otherwise; they are kept for 90 days, or as many as the
    server is set to."""
    return resource.deliveries(request, webhook_id, filters)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver", response={202: DeliveryShape, **ERRORS}
)
def redeliver_to_webhook(
    request: ApiRequest, webhook_id: UUID, delivery_id: UUID
) -> Status[dict[str, Any]]:
    """Sends it once more, with the same id. Refused with 409 while it still waits."""
    return Status(202, resource.redeliver(request, webhook_id, delivery_id))
