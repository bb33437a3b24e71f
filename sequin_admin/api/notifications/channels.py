"""/v1/channels: mail and Slack channels, which notify people of events."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Status

from sequin_admin.access.models import Scope
from sequin_admin.api.framework.auth import ApiRequest, require_scope
from sequin_admin.api.framework.errors import ERRORS
from sequin_admin.api.framework.etags import IfMatch, with_etag
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.notifications.channel_calls import ChannelFilters, ChannelResource
from sequin_admin.api.notifications.deliveries import DeliveryFilters, DeliveryList, DeliveryShape
from sequin_admin.api.notifications.schemas import (
    ChannelCreate,
    ChannelList,
    ChannelPatch,
    ChannelShape,
    channel_out,
)
from sequin_admin.notifications.models import ChannelKind

router = Resource(
    "Notifications",
    "Mail and Slack channels for what happens here, and mails to your customers.",
)

resource = ChannelResource("channel", (ChannelKind.MAIL, ChannelKind.SLACK), "address", channel_out)


@router.post("", response={201: ChannelShape, **ERRORS})
def create_channel(
    request: ApiRequest, payload: ChannelCreate, response: HttpResponse
) -> Status[dict[str, Any]]:
    """Notify people by mail or in Slack. Send a test to see it work."""
    channel = resource.create(request, ChannelKind(payload.kind), payload)
    return Status(201, with_etag(response, channel_out(channel)))


@router.get("", response={200: ChannelList, **ERRORS})
def list_channels(request: ApiRequest, filters: Query[ChannelFilters]) -> dict[str, Any]:
    """Newest first. Those of programs are at /v1/webhooks."""
    return resource.list(request, filters)


@router.get("/{channel_id}", response={200: ChannelShape, **ERRORS})
def get_channel(request: ApiRequest, channel_id: UUID, response: HttpResponse) -> dict[str, Any]:
    """One channel, with its ETag."""
    return with_etag(
        response,
        channel_out(resource.get_owned_or_404(require_scope(request, Scope.READ), channel_id)),
    )


@router.patch("/{channel_id}", response={200: ChannelShape, **ERRORS})
def update_channel(
    request: ApiRequest,
    channel_id: UUID,
    payload: ChannelPatch,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Change what is sent; null takes quiet_hours away and leaves the rest as it is. While it is
    disabled nothing is sent, and what waited is not sent later."""
    return with_etag(response, resource.update(request, channel_id, payload, if_match))


@router.delete("/{channel_id}", response={204: None, **ERRORS})
def delete_channel(request: ApiRequest, channel_id: UUID, if_match: IfMatch = None) -> Status[None]:
    """With the log of its deliveries."""
    resource.delete(request, channel_id, if_match)
    return Status(204, None)


@router.post("/{channel_id}/test", response={200: DeliveryShape, **ERRORS})
def test_channel(request: ApiRequest, channel_id: UUID) -> dict[str, Any]:
    """Sends a test now and returns the delivery."""
    return resource.test(request, channel_id)


@router.get("/{channel_id}/deliveries", response={200: DeliveryList, **ERRORS})
def list_channel_deliveries(
    request: ApiRequest, channel_id: UUID, filters: Query[DeliveryFilters]
) -> dict[str, Any]:
    """Newest first, kept for 90 days, or as many as the server is set to."""
    return resource.deliveries(request, channel_id, filters)


@router.post(
    "/{channel_id}/deliveries/{delivery_id}/redeliver", response={202: DeliveryShape, **ERRORS}
)
def redeliver_to_channel(
    request: ApiRequest, channel_id: UUID, delivery_id: UUID
) -> Status[dict[str, Any]]:
    """Sends it once more. Refused with 409 while it still waits."""
    return Status(202, resource.redeliver(request, channel_id, delivery_id))
