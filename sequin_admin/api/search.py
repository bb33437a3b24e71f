"""/v1/search: everything that an organization has, in groups."""

from typing import Any

from ninja import Query
from pydantic import Field

from sequin_admin.access.models import Scope
from sequin_admin.api.framework.auth import ApiRequest, require_scope
from sequin_admin.api.framework.errors import ERRORS, ApiError
from sequin_admin.api.framework.pagination import TEXT_CHARS, QueryParams
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import Shape
from sequin_admin.syncs import search

router = Resource("Search", "Where something is, when only a name or an id of yours is known.")
MOST = 50


class HitShape(Shape):
    """A row that was found."""

    entity: str = Field(examples=["credential"])
    id: str = Field(description="As the operations of its entity take it.")
    name: str
    detail: str = Field(description="Tells it from others of its name; may be empty.")
    provider: str = Field(description="Empty where it has none.")


class GroupShape(Shape):
    """What was found of one entity, newest first."""

    entity: str = Field(examples=["credential"])
    title: str = Field(examples=["Credentials"])
    has_more: bool = Field(description="There are others; the list of the entity has them.")
    data: list[HitShape]


class SearchResult(Shape):
    """The groups in which something was found."""

    data: list[GroupShape]


class SearchParams(QueryParams):
    """Query parameters of a search."""

    q: str = Field(
        default="",
        max_length=TEXT_CHARS,
        description='Words, "phrases" and filters, as the list of credentials takes them. Without '
        "any, nothing is found. An example: customer:c-000777",
    )
    limit: int = Field(default=search.HITS, ge=1, le=MOST, description="Of each entity.")


@router.get("", response={200: SearchResult, **ERRORS})
def search_everything(request: ApiRequest, params: Query[SearchParams]) -> dict[str, Any]:
    """Find credentials, OAuth apps, syncs, connect links, targets, consumers, streams, members and
    causes.

    422 when a filter is not valid."""
    organization = require_scope(request, Scope.READ)
    params.refuse_unknown(request)
    found = search.search_everything(organization, params.q, most=params.limit)
    if found.problem:
        message = f"{found.problem_at}: {found.problem}"
        raise ApiError(422, "The search is not valid.", {"q": [message]})
    return {"data": [group_out(group) for group in found.groups]}


def group_out(group: search.HitGroup) -> dict[str, Any]:
    hits = [{**vars(hit), "id": hit.pk} for hit in group.hits]
    for hit in hits:
        del hit["pk"]
    return {
        "entity": group.entity,
        "title": group.title,
        "has_more": group.has_more,
        "data": hits,
    }
