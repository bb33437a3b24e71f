"""Operations on channels, shared by /v1/webhooks and /v1/channels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import INVALID, ApiError
from sequin_admin.api.framework.etags import check_if_match
from sequin_admin.api.framework.pagination import NamedFilters, paginate_request
from sequin_admin.api.framework.rows import get_or_404
from sequin_admin.api.notifications.deliveries import (
    DeliveryFilters,
    delivery_out,
    list_deliveries,
    redeliver,
)
from sequin_admin.api.notifications.schemas import (
    KNOWN_TYPES,
    ChannelChanges,
    ChannelFields,
    columns_of,
)
from sequin_admin.notifications import channels, outbox
from sequin_admin.notifications.channel_addresses import BadAddress
from sequin_admin.notifications.models import Channel, ChannelKind, Delivery


class ChannelFilters(NamedFilters):
    """Query parameters of lists of channels."""

    equal = ("name", "enabled")

    enabled: bool | None = None


@dataclass(frozen=True)
class ChannelResource:
    """The channels of one resource of the API: their noun, their kinds, and the field with the
    address to which messages go."""

    noun: str
    kinds: tuple[ChannelKind, ...]
    address_field: str
    serialize: Callable[[Channel], dict[str, Any]]

    def get_owned_or_404(
        self, organization: Organization, pk: UUID, *, lock: bool = False
    ) -> Channel:
        """Raises 404."""
        rows = Channel.objects.of(organization).filter(kind__in=self.kinds)
        return get_or_404(rows, pk, self.noun, lock=lock)

    def create(self, request: ApiRequest, kind: ChannelKind, payload: ChannelFields) -> Channel:
        organization = require_scope(request, Scope.WRITE)
        refuse_unknown_types(payload.event_types)
        columns = columns_of(payload, (self.address_field, "kind"))
        try:
            address = str(getattr(payload, self.address_field))
            return channels.create(
                organization, kind, actor=caller(request), address=address, **columns
            )
        except BadAddress as error:
            raise self.bad_address(error) from None

    def bad_address(self, error: BadAddress) -> ApiError:
        return ApiError(422, INVALID, {self.address_field: [str(error)]})

    def list(self, request: ApiRequest, filters: ChannelFilters) -> dict[str, Any]:
        rows = Channel.objects.of(require_scope(request, Scope.READ)).filter(kind__in=self.kinds)
        page, following = paginate_request(request, filters, rows.defer("secrets"))
        return {"data": [self.serialize(channel) for channel in page], "next_cursor": following}

    def update(
        self, request: ApiRequest, pk: UUID, payload: ChannelChanges, if_match: str | None
    ) -> dict[str, Any]:
        organization = require_scope(request, Scope.WRITE)
        refuse_unknown_types(payload.event_types)
        columns = columns_of(payload, (self.address_field, "enabled"))
        with transaction.atomic():
            channel = self.get_owned_or_404(organization, pk, lock=True)
            check_if_match(if_match, self.serialize(channel))
            try:
                address = str(getattr(payload, self.address_field) or "")
                channels.update(channel, actor=caller(request), address=address, **columns)
            except BadAddress as error:
                raise self.bad_address(error) from None
            if payload.enabled is not None:
                switch = channels.enable if payload.enabled else channels.disable
                switch(channel, actor=caller(request))
        return self.serialize(self.get_owned_or_404(organization, pk))

    def delete(self, request: ApiRequest, pk: UUID, if_match: str | None) -> None:
        organization = require_scope(request, Scope.WRITE)
        with transaction.atomic():
            channel = self.get_owned_or_404(organization, pk, lock=True)
            check_if_match(if_match, self.serialize(channel))
            channels.delete(channel, actor=caller(request))

    def test(self, request: ApiRequest, pk: UUID) -> dict[str, Any]:
        channel = self.get_owned_or_404(require_scope(request, Scope.WRITE), pk)
        return delivery_out(outbox.send_test(channel, actor=caller(request)))

    def deliveries(self, request: ApiRequest, pk: UUID, filters: DeliveryFilters) -> dict[str, Any]:
        channel = self.get_owned_or_404(require_scope(request, Scope.READ), pk)
        return list_deliveries(
            request, Delivery.objects.filter(channel=channel), filters, delivery_out
        )

    def redeliver(self, request: ApiRequest, pk: UUID, uid: UUID) -> dict[str, Any]:
        channel = self.get_owned_or_404(require_scope(request, Scope.WRITE), pk)
        rows = Delivery.objects.filter(channel=channel)
        return delivery_out(redeliver(request, rows, uid, f"This {self.noun} has"))


def refuse_unknown_types(types: list[str] | None) -> None:
    """Raises 422 for unknown event types."""
    message = f"Choose among {', '.join(KNOWN_TYPES)}."
    fields = {
        f"event_types.{i}": [message] for i, t in enumerate(types or []) if t not in KNOWN_TYPES
    }
    if fields:
        raise ApiError(422, INVALID, fields)
