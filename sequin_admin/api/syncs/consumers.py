"""/v1/consumers/postgres"""

from collections.abc import Sequence
from typing import Annotated, Any, cast
from uuid import UUID

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import JSONField, OuterRef, Subquery
from django.db.models.sql.compiler import SQLCompiler
from django.http import HttpResponse
from ninja import Query, Status
from ninja.decorators import decorate_view
from pydantic import Field

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.framework.auth import (
    ApiRequest,
    CachedKeyAuth,
    caller,
    check_cached_key,
    require_scope,
)
from sequin_admin.api.framework.columns import Computed, Made, RowShape
from sequin_admin.api.framework.errors import ERRORS, INVALID, ApiError
from sequin_admin.api.framework.etags import IfMatch, check_if_match, with_etag
from sequin_admin.api.framework.pagination import HealthFilters, Rows, paginate_request
from sequin_admin.api.framework.quick import quick
from sequin_admin.api.framework.reads import Answer, one_response, page_response
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.rows import get_or_404
from sequin_admin.api.framework.schemas import (
    EXAMPLE_ID,
    Body,
    Metadata,
    Shape,
    Timestamp,
)
from sequin_admin.api.health import HEALTH, Health, HealthDetail, health_detail
from sequin_admin.credentials.models import NAME_CHARS
from sequin_admin.syncs import consumers
from sequin_admin.syncs.models import Consumer, Sync, Target

router = Resource(
    "Consumers",
    "Which syncs are written to which target.",
)
ALL = "*"
SYNCS = 'Ids of syncs, or ["*"] for all, also those made later.'


SyncId = Annotated[str, Field(json_schema_extra={"anyOf": [{"format": "uuid"}, {"const": ALL}]})]


class ConsumerCreate(Body):
    """A new consumer: the syncs that it reads, and the target that it writes to."""

    examples = {
        "all syncs": {"name": "To the warehouse", "syncs": [ALL], "target_id": EXAMPLE_ID},
        "some syncs": {
            "name": "Invoices only",
            "syncs": [EXAMPLE_ID],
            "target_id": EXAMPLE_ID,
        },
    }

    name: str = Field(min_length=1, max_length=NAME_CHARS)
    active: bool = True
    syncs: list[SyncId] = Field(description=SYNCS, max_length=1000)
    target_id: UUID
    metadata: Metadata = Field(default_factory=dict)


class ConsumerPatch(Body):
    """What is left out stays as it is."""

    examples = {"pause": {"active": False}, "all syncs": {"syncs": [ALL]}}

    name: str | None = Field(default=None, min_length=1, max_length=NAME_CHARS)
    active: bool | None = None
    syncs: list[SyncId] | None = Field(default=None, description=SYNCS, max_length=1000)
    target_id: UUID | None = Field(
        default=None, description="Into another one everything is read again, by new runs."
    )
    metadata: Metadata | None = None


class ConsumerShape(Shape):
    """A consumer: it reads syncs and writes to a target."""

    id: str
    name: str
    active: bool
    syncs: list[str] = Field(description=SYNCS)
    target_id: str
    health: Health
    metadata: dict[str, Any]
    created_at: Timestamp
    updated_at: Timestamp


class ConsumerList(Shape):
    """A page of consumers."""

    data: list[ConsumerShape]
    next_cursor: str | None


class ConsumerFilters(HealthFilters):
    """Query parameters of the list of consumers."""

    equal = ("name", "target_id")

    sync_id: UUID | None = Field(default=None, description="Those that read this sync.")
    target_id: UUID | None = None
    active: bool | None = None

    def narrow(self, rows: Rows) -> Rows:
        rows = super().narrow(rows)
        return rows if self.active is None else rows.filter(disabled_at__isnull=self.active)


def get_owned_or_404(organization: Organization, pk: UUID, *, lock: bool = False) -> Consumer:
    """Raises 404."""
    return get_or_404(Consumer.objects.of(organization), pk, "consumer", lock=lock)


class IdList(Subquery):
    """The ids of linked syncs as a JSON array, as each database writes them."""

    template = "(SELECT JSONB_AGG(links.sync_id) FROM (%(subquery)s) AS links)"
    output_field = JSONField()

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> "tuple[str, Sequence[object]]":
        template = self.template.replace("JSONB_AGG", "JSON_GROUP_ARRAY")
        return self.as_sql(compiler, connection, template=template)


LINKS = Consumer.syncs.through._default_manager.filter(consumer=OuterRef("pk")).order_by()
LINKED = Computed(
    IdList(LINKS.values("sync_id")),
    lambda consumer: [sync.pk.hex for sync in cast(Consumer, consumer).syncs.all()],
)


def syncs_out(all_syncs: bool, linked: list[str] | None) -> list[str]:
    """As `Consumer.sync_ids()`."""
    return [ALL] if all_syncs else sorted(str(UUID(each)) for each in linked or ())


CONSUMER = RowShape(
    ConsumerShape,
    Consumer,
    {"linked": LINKED},
    active=Made(lambda at: at is None, ("disabled_at",)),
    syncs=Made(syncs_out, ("all_syncs", "linked")),
    health=HEALTH,
)


def consumer_out(consumer: Consumer) -> dict[str, Any]:
    return CONSUMER.fields_of(consumer)


def columns_of(
    organization: Organization, payload: ConsumerCreate | ConsumerPatch
) -> dict[str, Any]:
    """What was sent, with rows for ids. Raises 422 for ids that are not the organization's."""
    sent = payload.model_dump(exclude_none=True, exclude={"syncs", "target_id"})
    if payload.target_id:
        target = Target.objects.of(organization).filter(pk=payload.target_id).first()
        if target is None:
            message = "There is no target with this id in your organization."
            raise ApiError(422, INVALID, {"target_id": [message]})
        sent["target"] = target
    if payload.syncs is not None:
        sent["all_syncs"] = payload.syncs == [ALL]
        sent["syncs"] = [] if sent["all_syncs"] else get_owned_syncs(organization, payload.syncs)
    return sent


def get_owned_syncs(organization: Organization, ids: Sequence[str]) -> list[Sync]:
    """Raises 422 with the position of each unknown id."""
    known = {
        str(sync.pk): sync for sync in Sync.objects.of(organization).filter(pk__in=parse_uuids(ids))
    }
    unknown = {
        f"syncs.{number}": ['There is no sync with this id in your organization; "*" stands alone.']
        for number, pk in enumerate(ids)
        if pk.lower() not in known
    }
    if unknown:
        raise ApiError(422, INVALID, unknown)
    return list(known.values())


def parse_uuids(texts: Sequence[str]) -> list[UUID]:
    known = []
    for text in texts:
        try:
            known.append(UUID(text))
        except ValueError:
            continue
    return known


@router.post("", response={201: ConsumerShape, **ERRORS})
def create_consumer(
    request: ApiRequest, payload: ConsumerCreate, response: HttpResponse
) -> Status[dict[str, Any]]:
    """Let the records of some syncs, or of all, be written to a target."""
    organization = require_scope(request, Scope.WRITE)
    columns = columns_of(organization, payload)
    consumer = consumers.create(organization, actor=caller(request), **columns)
    return Status(201, with_etag(response, consumer_out(consumer)))


@router.get("", response={200: ConsumerList, **ERRORS}, auth=CachedKeyAuth())
@decorate_view(quick)
def list_consumers(request: ApiRequest, filters: Query[ConsumerFilters]) -> Answer:
    """Newest first unless sorted otherwise; follow `next_cursor` for more."""
    if not filters.sync_id:
        return page_response(request, CONSUMER, filters)
    check_cached_key(request)
    organization = require_scope(request, Scope.READ)
    rows = Consumer.objects.of(organization).prefetch_related("syncs")
    rows = rows.consuming(Sync.objects.of(organization).filter(pk=filters.sync_id))
    page, following = paginate_request(request, filters, rows)
    return {"data": [consumer_out(row) for row in page], "next_cursor": following}


@router.get("/{consumer_id}", response={200: ConsumerShape, **ERRORS}, auth=CachedKeyAuth())
@decorate_view(quick)
def get_consumer(request: ApiRequest, consumer_id: UUID) -> HttpResponse:
    """One consumer, with its ETag."""
    return one_response(request, CONSUMER, consumer_id, "consumer")


@router.patch("/{consumer_id}", response={200: ConsumerShape, **ERRORS})
def update_consumer(
    request: ApiRequest,
    consumer_id: UUID,
    payload: ConsumerPatch,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Change what is sent; what is left out or null stays as it is."""
    organization = require_scope(request, Scope.WRITE)
    with transaction.atomic():
        consumer = get_owned_or_404(organization, consumer_id, lock=True)
        check_if_match(if_match, consumer_out(consumer))
        consumers.update(consumer, actor=caller(request), **columns_of(organization, payload))
    return with_etag(response, consumer_out(get_owned_or_404(organization, consumer_id)))


@router.get("/{consumer_id}/health", response={200: HealthDetail, **ERRORS})
def consumer_health(request: ApiRequest, consumer_id: UUID) -> dict[str, Any]:
    """The status with its reasons, checks and history."""
    return health_detail(get_owned_or_404(require_scope(request, Scope.READ), consumer_id))


@router.delete("/{consumer_id}", response={204: None, **ERRORS})
def delete_consumer(
    request: ApiRequest, consumer_id: UUID, if_match: IfMatch = None
) -> Status[None]:
    """What it has written stays in the target."""
    organization = require_scope(request, Scope.WRITE)
    with transaction.atomic():
        consumer = get_owned_or_404(organization, consumer_id, lock=True)
        check_if_match(if_match, consumer_out(consumer))
        consumers.delete(consumer, actor=caller(request))
    return Status(204, None)
