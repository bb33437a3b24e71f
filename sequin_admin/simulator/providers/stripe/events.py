"""The simulated Stripe's events, of the last 30 days: https://docs.stripe.com/api/events."""

from collections.abc import Iterator
from heapq import merge
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.models import FIRST_WRITTEN, RowWrite, SimulatedAccount
from sequin_admin.simulator.providers.stripe.api import API, caller
from sequin_admin.simulator.providers.stripe.common import provider
from sequin_admin.simulator.providers.stripe.lists import (
    created_bounds,
    cursor,
    is_live,
    list_json,
    page_size,
    refused,
)
from sequin_admin.simulator.providers.stripe.rows import CHARGES, CUSTOMERS
from sequin_admin.simulator.rows.collection import RowCollection
from sequin_admin.simulator.rows.ids import TaggedIds
from sequin_admin.simulator.rows.living import LivingRows, RowEvent
from sequin_admin.simulator.rows.timeline import DAY_MS
from sequin_admin.simulator.rows.wheel import ChangeKind

KEPT_MS = 30 * DAY_MS
# Types of events of each collection, and ids that tell its events from others'.
TYPES = {
    CUSTOMERS.name: ("customer.created", "customer.updated", "customer.deleted"),
    CHARGES.name: ("charge.succeeded", "charge.updated", "charge.updated"),
}
EVENT_IDS = {CUSTOMERS.name: TaggedIds("evt_1"), CHARGES.name: TaggedIds("evt_2")}
ORDER = list(ChangeKind)
Key = tuple[int, str, int]
Found = tuple[Key, dict[str, Any]]


class Events:
    """The events of an account, each with the key by which they are sorted."""

    def __init__(self, account: SimulatedAccount, *, live: bool) -> None:
        self.account, self.live = account, live

    def between(self, first_ms: int, last_ms: int | None, newest_first: bool) -> Iterator[Found]:
        parts = [
            self._of(living, first_ms, last_ms, newest_first)
            for living in provider.collections.values()
        ]
        return merge(*parts, key=lambda found: found[0], reverse=newest_first)

    def _of(
        self, living: RowCollection, first_ms: int, last_ms: int | None, newest_first: bool
    ) -> Iterator[Found]:
        rows = LivingRows(self.account, living, last_ms)
        for event in rows.events(first_ms, newest_first=newest_first):
            yield (event.at_ms, living.name, event.place), self.render(living, event)

    def render(self, living: RowCollection, event: RowEvent) -> dict[str, Any]:
        return {
            "id": EVENT_IDS[living.name].id_of(self.account, event.place),
            "object": "event",
            "api_version": "2026-09-30.dahlia",
            "created": event.at_ms // 1000,
            "data": {"object": {**living.render(self.account, event.row), "livemode": self.live}},
            "livemode": self.live,
            "pending_webhooks": 0,
            "request": {"id": None, "idempotency_key": None},
            "type": TYPES[living.name][ORDER.index(event.kind)],
        }

    def find(self, text: str, oldest_ms: int) -> Found:
        """The event of an id. Raises `SimulatedResponse` (404), after 30 days too."""
        for living in provider.collections.values():
            place = EVENT_IDS[living.name].number_of(self.account, text)
            at_ms = None if place is None else self._time_of(living, place)
            if at_ms is not None and at_ms >= oldest_ms:
                for event in LivingRows(self.account, living, at_ms).events(at_ms):
                    if event.place == place:
                        return (at_ms, living.name, place), self.render(living, event)
        raise refused(f"No such event: '{text}'", "resource_missing", 404)

    def _time_of(self, living: RowCollection, place: int) -> int | None:
        if place >= FIRST_WRITTEN:
            write = RowWrite.objects.filter(pk=place - FIRST_WRITTEN, account=self.account).first()
            return write.at_ms if write else None
        rows = LivingRows(self.account, living)
        return rows.timeline.time_of(place) if rows.log.base <= place < rows.end else None


@provider.route("GET", API, r"/v1/events")
def events(request: HttpRequest) -> HttpResponse:
    """Newest first. `type` may end in `.*`; `types[]` are up to 20."""
    account, _ = caller(request)
    size, (first, last), (text, backwards) = (
        page_size(request),
        created_bounds(request),
        cursor(request),
    )
    found = Events(account, live=is_live(request))
    oldest_ms = LivingRows(account, CUSTOMERS).at_ms - KEPT_MS
    other = found.find(text, oldest_ms)[0] if text else None
    first_ms = max(oldest_ms, first * 1000, other[0] if other and backwards else 0)
    last_ms = other[0] if other and not backwards else None
    wanted = request.GET.getlist("types[]") or [request.GET.get("type", "*")]
    data = (
        event
        for key, event in found.between(first_ms, last_ms, not backwards)
        if (other is None or (key > other if backwards else key < other))
        and event["created"] <= last
        and any(fits(event["type"], one) for one in wanted)
    )
    return list_json("/v1/events", data, size, backwards=backwards)


def fits(type_: str, wanted: str) -> bool:
    return wanted in ("*", type_) or (wanted.endswith("*") and type_.startswith(wanted[:-1]))


@provider.route("GET", API, r"/v1/events/(?P<event_id>\w+)")
def event(request: HttpRequest, event_id: str) -> HttpResponse:
    account, _ = caller(request)
    oldest_ms = LivingRows(account, CUSTOMERS).at_ms - KEPT_MS
    return JsonResponse(Events(account, live=is_live(request)).find(event_id, oldest_ms)[1])
