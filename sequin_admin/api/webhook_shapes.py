"""What goes in and out at /v1/webhooks, and what is posted to them."""

from typing import Annotated, Any

from pydantic import Field

from sequin_admin.api.channel_shapes import (
    ChannelChanges,
    ChannelFields,
    CommonShape,
    common_out,
)
from sequin_admin.api.deliveries import EventShape
from sequin_admin.api.schemas import Shape
from sequin_admin.notices import channels
from sequin_admin.notices.models import Channel
from sequin_admin.notices.notice import TYPES

Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=channels.URL_CHARS,
        json_schema_extra={"pattern": channels.URL},
        description="Begins with https:// and is reachable from the internet.",
    ),
]


class WebhookCreate(ChannelFields):
    url: Url


class WebhookPatch(ChannelChanges):
    url: Url | None = None


class WebhookShape(CommonShape):
    url: str


class WebhookWithSecret(WebhookShape):
    secret: str = Field(description="Checks the signatures (standardwebhooks.com). Shown once.")


class WebhookList(Shape):
    data: list[WebhookShape]
    next_cursor: str | None


def webhook_out(channel: Channel) -> dict[str, Any]:
    return {**common_out(channel), "url": channel.address}


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
