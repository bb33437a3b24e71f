"""What is done to a channel, whether it stands at /v1/webhooks or at /v1/channels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.framework.auth import ApiRequest, allow
from sequin_admin.api.framework.errors import INVALID, ApiError
from sequin_admin.api.framework.etags import expect
from sequin_admin.api.framework.pagination import NamedFilters, asked_page
from sequin_admin.api.notifications.deliveries import (
    DeliveryFilters,
    delivery_out,
    listed,
    redelivered,
)
from sequin_admin.api.notifications.schemas import KNOWN, ChannelChanges, ChannelFields, columns_of
from sequin_admin.notifications import channels, outbox
from sequin_admin.notifications.models import Channel, ChannelKind, Delivery


class ChannelFilters(NamedFilters):
    equal = ("name", "enabled")

    enabled: bool | None = None


@dataclass(frozen=True)
class Family:
    """The channels behind one address of the API: what they are called, and which field of
    theirs says where messages go."""

    noun: str
    kinds: tuple[ChannelKind, ...]
    where: str
    shown: Callable[[Channel], dict[str, Any]]

    def own(self, organization: Organization, pk: UUID, *, lock: bool = False) -> Channel:
        rows = Channel.objects.of(organization).filter(kind__in=self.kinds)
        channel = (rows.select_for_update() if lock else rows).filter(pk=pk).first()
        if channel is None:
            raise ApiError(404, f"There is no such {self.noun} in your organization.")
        return channel

    def create(self, request: ApiRequest, kind: ChannelKind, payload: ChannelFields) -> Channel:
        organization = allow(request, Scope.WRITE)
        refuse_unknown_types(payload.event_types)
        columns = columns_of(payload, (self.where, "kind"))
        try:
            address = str(getattr(payload, self.where))
            return channels.create(
                organization, kind, actor=request.auth, address=address, **columns
            )
        except channels.BadAddress as error:
            raise self.bad_address(error) from None

    def bad_address(self, error: channels.BadAddress) -> ApiError:
        return ApiError(422, INVALID, {self.where: [str(error)]})

    def list(self, request: ApiRequest, filters: ChannelFilters) -> dict[str, Any]:
        rows = Channel.objects.of(allow(request, Scope.READ)).filter(kind__in=self.kinds)
        page, following = asked_page(request, filters, rows.defer("secrets"))
        return {"data": [self.shown(channel) for channel in page], "next_cursor": following}

    def update(
        self, request: ApiRequest, pk: UUID, payload: ChannelChanges, if_match: str | None
    ) -> dict[str, Any]:
        organization = allow(request, Scope.WRITE)
        refuse_unknown_types(payload.event_types)
        columns = columns_of(payload, (self.where, "enabled"))
        with transaction.atomic():
            channel = self.own(organization, pk, lock=True)
            expect(if_match, self.shown(channel))
            try:
                address = str(getattr(payload, self.where) or "")
                channels.update(channel, actor=request.auth, address=address, **columns)
            except channels.BadAddress as error:
                raise self.bad_address(error) from None
            if payload.enabled is not None:
                switch = channels.enable if payload.enabled else channels.disable
                switch(channel, actor=request.auth)
        return self.shown(self.own(organization, pk))

    def delete(self, request: ApiRequest, pk: UUID, if_match: str | None) -> None:
        channel = self.own(allow(request, Scope.WRITE), pk)
        expect(if_match, self.shown(channel))
        channels.delete(channel, actor=request.auth)

    def test(self, request: ApiRequest, pk: UUID) -> dict[str, Any]:
        channel = self.own(allow(request, Scope.WRITE), pk)
        return delivery_out(outbox.test(channel, actor=request.auth))

    def deliveries(self, request: ApiRequest, pk: UUID, filters: DeliveryFilters) -> dict[str, Any]:
        channel = self.own(allow(request, Scope.READ), pk)
        return listed(request, Delivery.objects.filter(channel=channel), filters, delivery_out)

    def redeliver(self, request: ApiRequest, pk: UUID, uid: UUID) -> dict[str, Any]:
        channel = self.own(allow(request, Scope.WRITE), pk)
        rows = Delivery.objects.filter(channel=channel)
        return delivery_out(redelivered(request, rows, uid, f"This {self.noun} has"))


def refuse_unknown_types(types: list[str] | None) -> None:
    """Raises 422 for what never happens."""
    said = f"Choose among {', '.join(KNOWN)}."
    fields = {f"event_types.{i}": [said] for i, t in enumerate(types or []) if t not in KNOWN}
    if fields:
        raise ApiError(422, INVALID, fields)
