"""What was told, to whom, and what came of each try; and /v1/customer-deliveries."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from ninja import Query, Router, Status
from pydantic import Field

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.framework.auth import ApiRequest, allow
from sequin_admin.api.framework.errors import ERRORS, ApiError
from sequin_admin.api.framework.pagination import TEXT_CHARS, Creation, Paged, asked_page
from sequin_admin.api.schemas import Shape, Timestamp
from sequin_admin.notifications import outbox, senders
from sequin_admin.notifications.message import Severity
from sequin_admin.notifications.models import Delivery, DeliveryQuerySet, DeliveryState

router = Router(tags=["Notifications"])


class EventData(Shape):
    organization_id: UUID
    key: str = Field(description="What it is about. Events of one key come in order.")
    severity: Severity = Field(description="Whose move it is: critical ours, warning customers'.")
    title: str
    text: str
    url: str = Field(description="A page of the dashboard, or empty.")
    object: dict[str, Any] = Field(description="Ids and names, by type.")


class EventShape(Shape):
    """What is posted to you, signed as https://www.standardwebhooks.com has it."""

    type: str
    timestamp: str = Field(json_schema_extra={"format": "date-time"})
    data: EventData


class TryShape(Shape):
    at: Timestamp
    status: int | None = Field(description="Of the answer; null when none came.")
    error: str
    ms: int


class Tried(Shape):
    """How a delivery fares."""

    id: UUID
    type: str
    state: DeliveryState
    remark: str
    attempts: int
    next_try_at: Timestamp | None
    tries: list[TryShape]
    created_at: Timestamp


class DeliveryShape(Tried):
    message_id: str = Field(description="The header webhook-id, the same at every try.")
    payload: EventShape


class DeliveryList(Shape):
    data: list[DeliveryShape]
    next_cursor: str | None


class CustomerDelivery(Tried):
    """A mail to a customer's contact. Its button leads to a connect link, which is not shown."""

    to: str
    subject: str
    text: str


class CustomerDeliveryList(Shape):
    data: list[CustomerDelivery]
    next_cursor: str | None


class DeliveryFilters(Paged):
    equal = ("state", "type")
    # Ids are given in the order of posting.
    same_order = {"created_at": "id"}

    sort: Creation = "-created_at"
    state: DeliveryState | None = None
    type: str = Field(default="", max_length=TEXT_CHARS, description="Such as incident.opened.")


def tried_out(delivery: Delivery) -> dict[str, Any]:
    plain = ("type", "state", "attempts", "next_try_at", "created_at")
    return {
        "id": delivery.uid,
        **{name: getattr(delivery, name) for name in plain},
        "remark": delivery.last_error,
        "tries": delivery.log[::-1],
    }


def delivery_out(delivery: Delivery) -> dict[str, Any]:
    payload = senders.payload(delivery)
    return {**tried_out(delivery), "message_id": delivery.message_id, "payload": payload}


def customer_out(delivery: Delivery) -> dict[str, Any]:
    told = delivery.told
    words = {"subject": told.customer_title, "text": told.customer_text}
    return {**tried_out(delivery), "to": delivery.to, **words}


def listed(
    request: ApiRequest,
    rows: DeliveryQuerySet,
    filters: DeliveryFilters,
    shown: Callable[[Delivery], dict[str, Any]],
) -> dict[str, Any]:
    page, following = asked_page(request, filters, rows.defer("secrets"))
    return {"data": [shown(delivery) for delivery in page], "next_cursor": following}


def one_of(rows: DeliveryQuerySet, uid: UUID, whose: str) -> Delivery:
    delivery = rows.filter(uid=uid).first()
    if delivery is None:
        raise ApiError(404, f"{whose} no such delivery. They are kept for 90 days.")
    return delivery


def redelivered(request: ApiRequest, rows: DeliveryQuerySet, uid: UUID, whose: str) -> Delivery:
    """Raises 409 while it still waits."""
    try:
        outbox.redeliver(one_of(rows, uid, whose), actor=request.auth)
    except outbox.NotRedeliverable as error:
        raise ApiError(409, str(error)) from None
    return one_of(rows, uid, whose)


def to_customers(organization: Organization) -> DeliveryQuerySet:
    return Delivery.objects.of(organization).to_customers()


NOBODY = "Your customers got"


@router.get("", response={200: CustomerDeliveryList, **ERRORS})
def list_customer_deliveries(request: ApiRequest, filters: Query[DeliveryFilters]) -> Any:
    """Mails to your customers' contacts, newest first unless sorted otherwise; they are kept for
    90 days."""
    return listed(request, to_customers(allow(request, Scope.READ)), filters, customer_out)


@router.get("/{delivery_id}", response={200: CustomerDelivery, **ERRORS})
def get_customer_delivery(request: ApiRequest, delivery_id: UUID) -> Any:
    """One mail, and what came of each try."""
    rows = to_customers(allow(request, Scope.READ))
    return customer_out(one_of(rows, delivery_id, NOBODY))


@router.post("/{delivery_id}/redeliver", response={202: CustomerDelivery, **ERRORS})
def redeliver_to_customer(request: ApiRequest, delivery_id: UUID) -> Any:
    """Mails it once more. Refused with 409 while it still waits."""
    rows = to_customers(allow(request, Scope.WRITE))
    return Status(202, customer_out(redelivered(request, rows, delivery_id, NOBODY)))
