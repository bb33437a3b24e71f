"""/v1/expiry: what will end, and the dated changes at the providers."""

from datetime import UTC, date
from typing import Annotated, Any
from uuid import UUID

from django.db.models import DateTimeField, UUIDField
from ninja import Query
from pydantic import Field

from sequin_admin.access.models import Scope
from sequin_admin.api.framework.auth import ApiRequest, require_scope
from sequin_admin.api.framework.errors import ERRORS
from sequin_admin.api.framework.pagination import (
    TEXT_CHARS,
    PageParams,
    QueryParams,
    Since,
    decode_cursor,
    encode_cursor,
)
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import EXAMPLE_ID, OneOf, Shape, Timestamp
from sequin_admin.core import clock
from sequin_admin.core.search_language import parse_search
from sequin_admin.credentials.provider_changes import Certainty
from sequin_admin.health import expiry, provider_changes
from sequin_admin.health.expiry import Expiring, ExpiringRow, ExpiryFilter
from sequin_admin.health.provider_changes import TouchedChange

router = Resource(
    "Expiry",
    "What ends and is not renewed by itself, and what changes at your providers on a known day.",
)

WHAT = Annotated[str, OneOf(*Expiring.values)]
SORT = "ends_at"
CURSOR_FIELDS = (DateTimeField(), UUIDField())


class ExpiringShape(Shape):
    """One thing that ends: access of a credential, a secret, a key, a link or an invitation."""

    what: WHAT = Field(description="What ends.", examples=["credential"])
    id: UUID = Field(
        description="Of the object: a former token has that of its API key, and a gateway secret "
        "that of its OAuth app.",
        examples=[EXAMPLE_ID],
    )
    name: str = Field(examples=["Arrakis"])
    provider: str = Field(description="Empty where there is none.", examples=["servicenow"])
    ends_at: Timestamp
    days_left: int = Field(description="Whole days.", examples=[12])
    what_to_do: str = Field(examples=["The customer connects the account again before."])


class ExpiringList(Shape):
    """A page of what ends, soonest first."""

    data: list[ExpiringShape]
    next_cursor: str | None


class ExpiryParams(PageParams):
    """Query parameters of the list of what ends."""

    what: WHAT | None = None
    provider: str = ""
    until: Since | None = Field(
        default=None, description="Ends at this time or before. Else in the next 180 days."
    )
    search: str = Field(default="", max_length=TEXT_CHARS, description="Words of the name.")


class ChangeShape(Shape):
    """A dated change at a provider, and what it touches in your organization."""

    change: str = Field(
        description="Its name: `search=change:...` lists the credentials that it touches.",
        examples=["shopify-expiring-tokens"],
    )
    kind: str = Field(examples=["shopify_oauth2"])
    provider: str = Field(examples=["shopify"])
    title: str = Field(examples=["Shopify refuses offline tokens that never expire"])
    on: date | None = Field(description="Null where no day is published.", examples=["2027-01-01"])
    when: str = Field(
        description="Where no day is published, what is.", examples=["With release 2028.2"]
    )
    days_left: int | None = Field(description="Negative once it is in effect.", examples=[33])
    what: str = Field(examples=["Public apps must use expiring offline tokens."])
    what_to_do: str = Field(examples=["Open each of these credentials and exchange its token."])
    source: str = Field(examples=["Shopify changelog of 10 December 2025"])
    checked_on: date = Field(description="When the source was read last.", examples=["2026-11-28"])
    certainty: Annotated[str, OneOf(*Certainty)] = Field(
        description="How well the fact is known.", examples=["published"]
    )
    credentials: int = Field(description="How many of yours it touches.", examples=[12])
    oauth_apps: int = Field(description="How many of yours it touches.", examples=[0])


class ChangeList(Shape):
    """The dated changes at the providers; those with a day first, the next one first."""

    data: list[ChangeShape]


class ChangeParams(QueryParams):
    """Query parameters of the list of changes."""

    touching: bool = Field(
        default=False, description="Only those that touch what your organization has."
    )


@router.get("", response={200: ExpiringList, **ERRORS})
def list_expiring(request: ApiRequest, filters: Query[ExpiryParams]) -> dict[str, Any]:
    """What ends in the next 180 days, or until a time of your choice, soonest first. Access tokens
    are not in it: they are renewed by themselves."""
    filters.refuse_unknown(request)
    organization, now = require_scope(request, Scope.READ), clock.now()
    after = decode_cursor(filters.cursor, SORT, CURSOR_FIELDS) if filters.cursor else None
    wanted = ExpiryFilter(
        until=filters.until or now + expiry.AHEAD,
        what=filters.what or "",
        provider=filters.provider,
        words=[term.written if term.key else term.value for term in parse_search(filters.search)],
        after=(after[0], after[1]) if after else None,
    )
    most = filters.limit + 1
    found = expiry.rows_ending(organization, wanted, most=most)[:most]
    rows = [expiry.parse_row(row) for row in found]
    page, more = rows[: filters.limit], len(rows) > filters.limit
    cursor = encode_cursor(SORT, (page[-1].ends_at.astimezone(UTC), page[-1].id)) if more else None
    return {"data": [expiring_out(row) for row in page], "next_cursor": cursor}


@router.get("/changes", response={200: ChangeList, **ERRORS})
def list_provider_changes(request: ApiRequest, filters: Query[ChangeParams]) -> dict[str, Any]:
    """Dated changes at the providers that break credentials, with their sources and how certain
    they are, and how many of your credentials and OAuth apps each touches."""
    filters.refuse_unknown(request)
    counted = provider_changes.count_touched(require_scope(request, Scope.READ))
    data = [change_out(each) for each in counted if each.touches or not filters.touching]
    return {"data": data}


def expiring_out(row: ExpiringRow) -> dict[str, Any]:
    return {
        "what": row.what.value,
        "id": row.id,
        "name": row.name,
        "provider": row.provider,
        "ends_at": row.ends_at,
        "days_left": row.days_left(clock.now()),
        "what_to_do": row.to_do,
    }


def change_out(touched: TouchedChange) -> dict[str, Any]:
    change = touched.change
    same = ("title", "on", "when", "what", "source", "checked_on")
    return {
        "change": change.slug,
        "kind": touched.found.kind,
        "provider": touched.found.provider,
        **{name: getattr(change, name) for name in same},
        "what_to_do": change.to_do,
        "certainty": change.certainty.value,
        "days_left": touched.days_left,
        "credentials": touched.credentials,
        "oauth_apps": touched.oauth_apps,
    }
