"""Deliveries of messages with the result of each try, and /v1/customer-deliveries."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from ninja import Query, Status
from pydantic import Field

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS, ApiError
from sequin_admin.api.framework.pagination import TEXT_CHARS, Creation, PageParams, paginate_request
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import Shape, Timestamp
from sequin_admin.core.words import count_words
from sequin_admin.notifications import outbox
from sequin_admin.notifications.message import Severity
from sequin_admin.notifications.models import Delivery, DeliveryQuerySet, DeliveryState
from sequin_admin.notifications.senders.webhook import webhook_payload

router = Resource("Notifications")


class EventData(Shape):
    """What happened to which object."""

    organization_id: UUID
    key: str = Field(description="What it is about. Events of one key come in order.")
    severity: Severity = Field(description="Whose move it is: critical ours, warning customers'.")
    title: str
    text: str
    url: str = Field(
        description="A page of the dashboard, or empty.",
        examples=["https://sequin.arrakis.example/incidents"],
    )
    object: dict[str, Any] = Field(description="Ids and names, by type.")


class EventShape(Shape):
    """What is posted to you, signed as https://www.standardwebhooks.com has it."""

    type: str = Field(examples=["incident.opened"])
    timestamp: str = Field(json_schema_extra={"format": "date-time"})
    data: EventData


class TryShape(Shape):
    """One try of a delivery; `ms` is how long it took."""

    at: Timestamp
    status: int | None = Field(description="Of the answer; null when none came.", examples=[200])
    error: str
    ms: int


class Tried(Shape):
    """Base of deliveries: the state and the tries."""

    id: UUID
    type: str = Field(examples=["incident.opened"])
    state: DeliveryState
    remark: str
    attempts: int
    next_try_at: Timestamp | None
    tries: list[TryShape]
    created_at: Timestamp


class DeliveryShape(Tried):
    """A message to a webhook, with all its tries."""

    message_id: str = Field(
        description="The header webhook-id, the same at every try.", examples=["msg_2fQm"]
    )
    payload: EventShape


class DeliveryList(Shape):
    """A page of deliveries."""

    data: list[DeliveryShape]
    next_cursor: str | None


class CustomerDelivery(Tried):
    """A mail to a customer's contact. Its button leads to a connect link, which is not shown."""

    to: str
    subject: str
    text: str


class CustomerDeliveryList(Shape):
    """A page of messages to customers."""

    data: list[CustomerDelivery]
    next_cursor: str | None


class DeliveryFilters(PageParams):
    """Query parameters of lists of deliveries."""

    equal = ("state", "type")
    # Ids are in the order of creation.
    sort_columns = {"created_at": "id"}

    sort: Creation = "-created_at"
    state: DeliveryState | None = None
    type: str = Field(default="", max_length=TEXT_CHARS, description="Such as incident.opened.")


def common_out(delivery: Delivery) -> dict[str, Any]:
    plain = ("type", "state", "attempts", "next_try_at", "created_at")
    return {
        "id": delivery.uid,
        **{name: getattr(delivery, name) for name in plain},
        "remark": delivery.last_error,
        "tries": delivery.log[::-1],
    }


def delivery_out(delivery: Delivery) -> dict[str, Any]:
    payload = webhook_payload(delivery)
    return {**common_out(delivery), "message_id": delivery.message_id, "payload": payload}


def customer_out(delivery: Delivery) -> dict[str, Any]:
    message = delivery.message
    words = {"subject": message.customer_title, "text": message.customer_text}
    return {**common_out(delivery), "to": delivery.to, **words}


def list_deliveries(
    request: ApiRequest,
    rows: DeliveryQuerySet,
    filters: DeliveryFilters,
    serialize: Callable[[Delivery], dict[str, Any]],
) -> dict[str, Any]:
    page, following = paginate_request(request, filters, rows.defer("secrets"))
    return {"data": [serialize(delivery) for delivery in page], "next_cursor": following}


def get_delivery_or_404(rows: DeliveryQuerySet, uid: UUID, subject: str) -> Delivery:
    """`subject` begins the sentence of 404: "This webhook has"."""
    delivery = rows.filter(uid=uid).first()
    if delivery is None:
        raise ApiError(
            404,
            f"{subject} no such delivery. They are kept for "
            f"{count_words(settings.KEEP_DELIVERIES_DAYS, 'day')}.",
        )
    return delivery


def redeliver(request: ApiRequest, rows: DeliveryQuerySet, uid: UUID, subject: str) -> Delivery:
    """Raises 409 while it still waits."""
    try:
        outbox.redeliver(get_delivery_or_404(rows, uid, subject), actor=caller(request))
    except outbox.NotRedeliverable as error:
        raise ApiError(409, str(error)) from None
    return get_delivery_or_404(rows, uid, subject)


def to_customers(organization: Organization) -> DeliveryQuerySet:
    return Delivery.objects.of(organization).to_customers()


CUSTOMERS_GOT = "Your customers got"


@router.get("", response={200: CustomerDeliveryList, **ERRORS})
def list_customer_deliveries(
    request: ApiRequest, filters: Query[DeliveryFilters]
) -> dict[str, Any]:
    """Mails to your customers' contacts, newest first unless sorted otherwise; they are kept for
    90 days, or as many as the server is set to."""
    return list_deliveries(
        request, to_customers(require_scope(request, Scope.READ)), filters, customer_out
    )


@router.get("/{delivery_id}", response={200: CustomerDelivery, **ERRORS})
def get_customer_delivery(request: ApiRequest, delivery_id: UUID) -> dict[str, Any]:
    """One mail, and the result of each try."""
    rows = to_customers(require_scope(request, Scope.READ))
    return customer_out(get_delivery_or_404(rows, delivery_id, CUSTOMERS_GOT))


@router.post("/{delivery_id}/redeliver", response={202: CustomerDelivery, **ERRORS})
def redeliver_to_customer(request: ApiRequest, delivery_id: UUID) -> Status[dict[str, Any]]:
    """Mails it once more. Refused with 409 while it still waits."""
    rows = to_customers(require_scope(request, Scope.WRITE))
    return Status(202, customer_out(redeliver(request, rows, delivery_id, CUSTOMERS_GOT)))
