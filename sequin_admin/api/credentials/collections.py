"""/v1/collections: the collections of the account behind a credential."""

from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Query
from pydantic import Field

from sequin_admin.access.models import Scope
from sequin_admin.api.credentials.views import get_owned_or_404
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS, ApiError
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import OneOf, Shape, Strict, Timestamp
from sequin_admin.api.health import CODE, MESSAGE
from sequin_admin.syncs import catalogue
from sequin_admin.syncs.models import Collection, Refresh

router = Resource(
    "Collections",
    "What an account holds, as far as it was read.",
)


class FieldShape(Shape):
    """A field of a collection, with its type in the provider's words."""

    id: str = Field(description="`stripe:customer:email`")
    name: str
    accessor: str = Field(description="The provider's key in its records.", examples=["email"])
    type: str = Field(examples=["string"])
    primary_key: bool
    metadata: dict[str, Any] | None = Field(default=None, description="With `include` only.")


class CollectionShape(Shape):
    """A table or object that can be synced."""

    id: str = Field(description="`stripe:customer`")
    upstream_id: str = Field(examples=["customer"])
    name: str
    links: list[str]
    fields: list[FieldShape]
    metadata: dict[str, Any] | None = Field(default=None, description="With `include` only.")


class CollectionList(Shape):
    """All collections; this list has no pages."""

    data: list[CollectionShape]


class RefreshError(Shape):
    """Why the last reading of the schema failed."""

    code: str = Field(examples=[CODE])
    message: str = Field(examples=[MESSAGE])


class RefreshShape(Shape):
    """When the schema was last read at the provider, and how that ended."""

    credential_id: str
    last_started_at: Timestamp | None
    last_succeeded_at: Timestamp | None
    status: Annotated[str, OneOf(*Refresh.Status.values)]
    error: RefreshError | None


class Include(Strict):
    """Query parameter: whether to show what the provider says besides."""

    include: Literal["", "upstream_metadata"] = Field(
        default="", description="What the provider says besides, where it is asked (Airtable)."
    )


class CollectionFilters(Include):
    """Query parameters of the list of collections."""

    search: str = Field(default="", description="Part of the name or of the id.")


def collection_out(collection: Collection, links: list[str], include: str) -> dict[str, Any]:
    more = bool(include)
    return {
        "id": collection.collection_id,
        "upstream_id": collection.upstream_id,
        "name": collection.name,
        "links": links,
        "fields": [
            {
                "id": f"{collection.collection_id}:{field['accessor']}",
                **{name: field[name] for name in ("name", "accessor", "type", "primary_key")},
                **({"metadata": field["metadata"]} if more else {}),
            }
            for field in collection.fields
        ],
        **({"metadata": collection.upstream_metadata} if more else {}),
    }


def refresh_out(credential_id: UUID, refresh: Refresh | None) -> dict[str, Any]:
    """Without a refresh the status is succeeded: the well-known collections are always there."""
    error = refresh and refresh.error
    return {
        "credential_id": str(credential_id),
        "last_started_at": refresh and refresh.last_started_at,
        "last_succeeded_at": refresh and refresh.last_succeeded_at,
        "status": refresh.status if refresh else Refresh.Status.SUCCEEDED.value,
        "error": {"code": refresh.error_code, "message": error} if refresh and error else None,
    }


@router.get("/{credential_id}", response={200: CollectionList, **ERRORS}, exclude_unset=True)
def list_collections(
    request: ApiRequest, credential_id: UUID, query: Query[CollectionFilters]
) -> dict[str, Any]:
    """What was read from the account last, or the provider's well-known collections."""
    credential = get_owned_or_404(require_scope(request, Scope.READ), credential_id)
    links = [credential.docs_url]
    wanted = query.search.casefold()
    found = [row for row in catalogue.list_collections(credential) if wanted in search_text(row)]
    return {"data": [collection_out(row, links, query.include) for row in found]}


def search_text(collection: Collection) -> str:
    return f"{collection.name}\n{collection.collection_id}".casefold()


@router.get("/{credential_id}/refresh/status", response={200: RefreshShape, **ERRORS})
def refresh_status(request: ApiRequest, credential_id: UUID) -> dict[str, Any]:
    """The status of the latest refresh."""
    credential = get_owned_or_404(require_scope(request, Scope.READ), credential_id)
    return refresh_out(credential_id, Refresh.objects.filter(pk=credential.pk).first())


@router.post("/{credential_id}/refresh/start", response={200: RefreshShape, **ERRORS})
def start_refresh(request: ApiRequest, credential_id: UUID) -> dict[str, Any]:
    """Let a worker read the account's collections again. `refresh/status` says when it is done."""
    credential = get_owned_or_404(require_scope(request, Scope.WRITE), credential_id)
    return refresh_out(credential_id, catalogue.start_refresh(credential, actor=caller(request)))


@router.get(
    "/{credential_id}/{collection_id}",
    response={200: CollectionShape, **ERRORS},
    exclude_unset=True,
)
def get_collection(
    request: ApiRequest, credential_id: UUID, collection_id: str, query: Query[Include]
) -> dict[str, Any]:
    """One collection, by its id (`stripe:customer`)."""
    credential = get_owned_or_404(require_scope(request, Scope.READ), credential_id)
    found = [
        row for row in catalogue.list_collections(credential) if row.collection_id == collection_id
    ]
    if not found:
        raise ApiError(404, "This credential has no such collection; a refresh may find it.")
    return collection_out(found[0], [credential.docs_url], query.include)
