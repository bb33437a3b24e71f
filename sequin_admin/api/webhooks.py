"""/v1/webhooks: addresses of yours that are told what happens here."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from ninja import Query, Router, Status
from pydantic import Field

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.auth import Call, allow
from sequin_admin.api.errors import ERRORS, INVALID, ApiError
from sequin_admin.api.pages import TEXT_CHARS, Creation, Named, Paged, asked_page
from sequin_admin.api.versions import IfMatch, expect, tagged
from sequin_admin.api.webhook_shapes import (
    KNOWN,
    DeliveryList,
    DeliveryShape,
    WebhookCreate,
    WebhookList,
    WebhookPatch,
    WebhookShape,
    WebhookWithSecret,
    delivery_out,
    webhook_out,
)
from sequin_admin.notices import channels, outbox
from sequin_admin.notices.models import Channel, ChannelKind, Delivery, DeliveryState

router = Router(tags=["Webhooks"])


class Filters(Named):
    equal = ("name", "enabled")

    enabled: bool | None = None


class DeliveryFilters(Paged):
    equal = ("state", "type")
    # Ids are given in the order of posting.
    same_order = {"created_at": "id"}

    sort: Creation = "-created_at"
    state: DeliveryState | None = None
    type: str = Field(default="", max_length=TEXT_CHARS, description="Such as incident.opened.")


def own(organization: Organization, pk: UUID, *, lock: bool = False) -> Channel:
    rows = Channel.objects.of(organization).filter(kind=ChannelKind.WEBHOOK)
    channel = (rows.select_for_update() if lock else rows).filter(pk=pk).first()
    if channel is None:
        raise ApiError(404, "There is no such webhook in your organization.")
    return channel


def own_delivery(channel: Channel, uid: UUID) -> Delivery:
    delivery = Delivery.objects.filter(channel=channel, uid=uid).first()
    if delivery is None:
        raise ApiError(404, "This webhook has no such delivery. They are kept for 90 days.")
    return delivery


def refuse_unknown_types(types: list[str] | None) -> None:
    """Raises 422 for what never happens."""
    said = f"Choose among {', '.join(KNOWN)}."
    fields = {f"event_types.{i}": [said] for i, t in enumerate(types or []) if t not in KNOWN}
    if fields:
        raise ApiError(422, INVALID, fields)


@router.post("", response={201: WebhookWithSecret, **ERRORS})
def create_webhook(request: Call, payload: WebhookCreate, response: HttpResponse) -> Any:
    """The answer has the signing secret, which is not shown again."""
    organization = allow(request, Scope.WRITE)
    refuse_unknown_types(payload.event_types)
    try:
        channel = channels.create(
            organization,
            ChannelKind.WEBHOOK,
            actor=request.auth,
            address=payload.url,
            **payload.model_dump(exclude={"url"}),
        )
    except channels.BadAddress as error:
        raise ApiError(422, INVALID, {"url": [str(error)]}) from None
    return Status(201, with_secret(response, channel, channel.secrets["signing"]))


def with_secret(response: HttpResponse, channel: Channel, secret: str) -> dict[str, Any]:
    """The ETag is that of the webhook as it is read, without its secret."""
    response["Cache-Control"] = "no-store"
    return {**tagged(response, webhook_out(channel)), "secret": secret}


@router.get("", response={200: WebhookList, **ERRORS})
def list_webhooks(request: Call, filters: Query[Filters]) -> Any:
    """Newest first unless sorted otherwise; follow `next_cursor` for more."""
    rows = Channel.objects.of(allow(request, Scope.READ)).filter(kind=ChannelKind.WEBHOOK)
    page, following = asked_page(request, filters, rows.defer("secrets"))
    return {"data": [webhook_out(channel) for channel in page], "next_cursor": following}


@router.get("/{webhook_id}", response={200: WebhookShape, **ERRORS})
def get_webhook(request: Call, webhook_id: UUID, response: HttpResponse) -> Any:
    """One webhook, with its ETag."""
    return tagged(response, webhook_out(own(allow(request, Scope.READ), webhook_id)))


@router.patch("/{webhook_id}", response={200: WebhookShape, **ERRORS})
def update_webhook(
    request: Call,
    webhook_id: UUID,
    payload: WebhookPatch,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> Any:
    """Change what is sent; what is left out or null stays as it is. While it is disabled nothing
    is sent, and what waited is not sent later."""
    organization = allow(request, Scope.WRITE)
    refuse_unknown_types(payload.event_types)
    columns = payload.model_dump(exclude={"url", "enabled"}, exclude_none=True)
    with transaction.atomic():
        channel = own(organization, webhook_id, lock=True)
        expect(if_match, webhook_out(channel))
        try:
            channels.update(channel, actor=request.auth, address=payload.url or "", **columns)
        except channels.BadAddress as error:
            raise ApiError(422, INVALID, {"url": [str(error)]}) from None
        if payload.enabled is not None:
            (channels.enable if payload.enabled else channels.disable)(channel, actor=request.auth)
    return tagged(response, webhook_out(own(organization, webhook_id)))


@router.delete("/{webhook_id}", response={204: None, **ERRORS})
def delete_webhook(request: Call, webhook_id: UUID, if_match: IfMatch = None) -> Any:
    """With the log of its deliveries."""
    channel = own(allow(request, Scope.WRITE), webhook_id)
    expect(if_match, webhook_out(channel))
    channels.delete(channel, actor=request.auth)
    return Status(204, None)


@router.post("/{webhook_id}/rotate", response={200: WebhookWithSecret, **ERRORS})
def rotate_webhook_secret(request: Call, webhook_id: UUID, response: HttpResponse) -> Any:
    """A new signing secret. For 24 hours messages carry the signatures of both."""
    organization = allow(request, Scope.WRITE)
    secret = channels.rotate(own(organization, webhook_id), actor=request.auth)
    return with_secret(response, own(organization, webhook_id), secret)


@router.post("/{webhook_id}/test", response={200: DeliveryShape, **ERRORS})
def test_webhook(request: Call, webhook_id: UUID) -> Any:
    """Sends a test at once, and answers with what came of it."""
    channel = own(allow(request, Scope.WRITE), webhook_id)
    return delivery_out(outbox.test(channel, actor=request.auth))


@router.get("/{webhook_id}/deliveries", response={200: DeliveryList, **ERRORS})
def list_webhook_deliveries(
    request: Call, webhook_id: UUID, filters: Query[DeliveryFilters]
) -> Any:
    """Newest first unless sorted otherwise; they are kept for 90 days."""
    channel = own(allow(request, Scope.READ), webhook_id)
    rows = Delivery.objects.filter(channel=channel).defer("secrets")
    page, following = asked_page(request, filters, rows)
    return {"data": [delivery_out(delivery) for delivery in page], "next_cursor": following}


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver", response={202: DeliveryShape, **ERRORS}
)
def redeliver_to_webhook(request: Call, webhook_id: UUID, delivery_id: UUID) -> Any:
    """Sends it once more, with the same id. Refused with 409 while it still waits."""
    channel = own(allow(request, Scope.WRITE), webhook_id)
    delivery = own_delivery(channel, delivery_id)
    try:
        outbox.redeliver(delivery, actor=request.auth)
    except outbox.NotNow as error:
        raise ApiError(409, str(error)) from None
    return Status(202, delivery_out(own_delivery(channel, delivery_id)))
