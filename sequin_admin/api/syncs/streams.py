"""/v1/streams: the parts of your data that syncs write to."""

from typing import Annotated, Any, Literal
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from ninja import Query, Status
from ninja.decorators import decorate_view
from pydantic import Field

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.framework.auth import ApiRequest, CachedKeyAuth, caller, require_scope
from sequin_admin.api.framework.columns import RowShape, as_stored
from sequin_admin.api.framework.errors import ERRORS
from sequin_admin.api.framework.etags import IfMatch, check_if_match, with_etag
from sequin_admin.api.framework.pagination import TEXT_CHARS, ChangeFilters, Times
from sequin_admin.api.framework.quick import quick
from sequin_admin.api.framework.reads import one_response, page_response
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.rows import get_or_404
from sequin_admin.api.framework.schemas import Body, Shape, Timestamp
from sequin_admin.syncs import rules, streams
from sequin_admin.syncs.models import SLUG_CHARS, Stream

router = Resource(
    "Streams",
    "What syncs write to, by a name of yours.",
)

Slug = Annotated[
    str,
    Field(
        min_length=1,
        max_length=SLUG_CHARS,
        pattern=rules.SLUG,
        description="Lowercase letters, digits and dashes; one of its kind in the organization.",
    ),
]


class StreamCreate(Body):
    """A new stream."""

    examples = {"production": {"slug": "production"}}

    slug: Slug


class StreamPatch(Body):
    """What is left out stays as it is."""

    examples = {"rename": {"slug": "production-eu"}}

    slug: Slug | None = None


class StreamShape(Shape):
    """A stream, which syncs write into."""

    id: str
    slug: str = Field(examples=["production"])
    org_id: str
    created_at: Timestamp
    updated_at: Timestamp


class StreamList(Shape):
    """A page of streams."""

    data: list[StreamShape]
    next_cursor: str | None


class StreamFilters(ChangeFilters):
    """Query parameters of the list of streams."""

    equal = ("slug",)

    sort: Literal[Times, "slug", "-slug"] = "-created_at"
    slug: str = Field(default="", max_length=TEXT_CHARS, description="The whole slug.")
    search: str = Field(default="", max_length=TEXT_CHARS, description="Part of the slug.")


def get_owned_or_404(organization: Organization, pk: UUID, *, lock: bool = False) -> Stream:
    """Raises 404."""
    return get_or_404(Stream.objects.of(organization), pk, "stream", lock=lock)


STREAM = RowShape(StreamShape, Stream, org_id=as_stored("organization_id"))


def stream_out(stream: Stream) -> dict[str, Any]:
    return STREAM.fields_of(stream)


@router.post("", response={201: StreamShape, **ERRORS})
def create_stream(
    request: ApiRequest, payload: StreamCreate, response: HttpResponse
) -> Status[dict[str, Any]]:
    """Divide your data: dev and prod, or one stream per API. Syncs name one when they are made."""
    organization = require_scope(request, Scope.WRITE)
    stream = streams.create(organization, actor=caller(request), slug=payload.slug)
    return Status(201, with_etag(response, stream_out(stream)))


@router.get("", response={200: StreamList, **ERRORS}, auth=CachedKeyAuth())
@decorate_view(quick)
def list_streams(request: ApiRequest, filters: Query[StreamFilters]) -> HttpResponse:
    """Newest first unless sorted otherwise; follow `next_cursor` for more."""
    return page_response(request, STREAM, filters)


@router.get("/{stream_id}", response={200: StreamShape, **ERRORS}, auth=CachedKeyAuth())
@decorate_view(quick)
def get_stream(request: ApiRequest, stream_id: UUID) -> HttpResponse:
    """One stream, with its ETag."""
    return one_response(request, STREAM, stream_id, "stream")


@router.patch("/{stream_id}", response={200: StreamShape, **ERRORS})
def update_stream(
    request: ApiRequest,
    stream_id: UUID,
    payload: StreamPatch,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Another slug. Id and syncs stay; left out or null, nothing changes."""
    organization = require_scope(request, Scope.WRITE)
    with transaction.atomic():
        stream = get_owned_or_404(organization, stream_id, lock=True)
        check_if_match(if_match, stream_out(stream))
        if payload.slug:
            streams.rename(stream, actor=caller(request), slug=payload.slug)
    return with_etag(response, stream_out(get_owned_or_404(organization, stream_id)))


@router.delete("/{stream_id}", response={204: None, **ERRORS})
def delete_stream(request: ApiRequest, stream_id: UUID, if_match: IfMatch = None) -> Status[None]:
    """Refused with 409 while syncs write to it."""
    organization = require_scope(request, Scope.WRITE)
    with transaction.atomic():
        stream = get_owned_or_404(organization, stream_id, lock=True)
        check_if_match(if_match, stream_out(stream))
        streams.delete(stream, actor=caller(request))
    return Status(204, None)
