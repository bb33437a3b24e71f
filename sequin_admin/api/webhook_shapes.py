"""What goes in and out at /v1/webhooks, and what is posted to them."""

from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import Field

from sequin_admin.api.schemas import Body, Timestamp
from sequin_admin.notices import channels, senders
from sequin_admin.notices.models import Channel, Delivery, DeliveryState
from sequin_admin.notices.notice import TYPES, Severity, groups

KNOWN = [*groups(), *TYPES]
EventType = Annotated[str, Field(json_schema_extra={"enum": [*KNOWN]})]
Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=channels.URL_CHARS,
        json_schema_extra={"pattern": channels.URL},
        description="Begins with https:// and is reachable from the internet.",
    ),
]
WANTED = "Types such as incident.opened, or groups such as incident.*; empty means all."


class WebhookCreate(Body):
    name: str = Field(min_length=1, max_length=100)
    url: Url
    event_types: list[EventType] = Field(default_factory=list, description=WANTED)
    min_severity: Severity = Severity.INFO
    enabled: bool = True


class WebhookPatch(Body):
    name: str | None = Field(default=None, min_length=1, max_length=100)
    url: Url | None = None
    event_types: list[EventType] | None = Field(default=None, description=WANTED)
    min_severity: Severity | None = None
    enabled: bool | None = None


class WebhookShape(Schema):
    id: UUID
    name: str
    url: str
    event_types: list[str]
    min_severity: str
    enabled: bool
    disabled_reason: str = Field(description="Why we stopped sending; empty if you did.")
    created_at: Timestamp
    updated_at: Timestamp


class WebhookWithSecret(WebhookShape):
    secret: str = Field(description="Checks the signatures (standardwebhooks.com). Shown once.")


class WebhookList(Schema):
    data: list[WebhookShape]
    next_cursor: str | None


class EventData(Schema):
    organization_id: UUID
    key: str = Field(description="What it is about. Events of one key come in order.")
    severity: Severity = Field(description="Whose move it is: critical ours, warning customers'.")
    title: str
    text: str
    url: str = Field(description="A page of the dashboard, or empty.")
    object: dict[str, Any] = Field(description="Ids and names, by type.")


class EventShape(Schema):
    """What is posted to you, signed as https://www.standardwebhooks.com has it."""

    type: str
    timestamp: str = Field(json_schema_extra={"format": "date-time"})
    data: EventData


class TryShape(Schema):
    at: Timestamp
    status: int | None = Field(description="Of the answer; null when none came.")
    error: str
    ms: int


class DeliveryShape(Schema):
    id: UUID
    message_id: str = Field(description="The header webhook-id, the same at every try.")
    type: str
    state: DeliveryState
    remark: str
    attempts: int
    next_try_at: Timestamp | None
    tries: list[TryShape]
    payload: EventShape
    created_at: Timestamp


class DeliveryList(Schema):
    data: list[DeliveryShape]
    next_cursor: str | None


def webhook_out(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.pk,
        "name": channel.name,
        "url": channel.address,
        "event_types": channel.event_types,
        "min_severity": channel.min_severity,
        "enabled": channel.enabled,
        "disabled_reason": channel.disabled_reason,
        "created_at": channel.created_at,
        "updated_at": channel.updated_at,
    }


def delivery_out(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.uid,
        "message_id": delivery.message_id,
        "type": delivery.type,
        "state": delivery.state,
        "remark": delivery.remark,
        "attempts": delivery.attempts,
        "next_try_at": delivery.next_try_at,
        "tries": delivery.log[::-1],
        "payload": senders.payload(delivery),
        "created_at": delivery.created_at,
    }


def described() -> dict[str, Any]:
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
