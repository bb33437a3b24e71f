"""/v1/causes"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Query, Status
from pydantic import Field

from sequin_admin.access.models import Membership, Organization, Scope, User
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS, INVALID, ApiError
from sequin_admin.api.framework.pagination import (
    TEXT_CHARS,
    PageParams,
    Since,
    paginate_request,
    search_rows,
)
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.rows import get_or_404
from sequin_admin.api.framework.schemas import (
    Body,
    HealthStatus,
    NamedExamples,
    OneOf,
    Shape,
    Timestamp,
)
from sequin_admin.api.health import CODE, MESSAGE
from sequin_admin.core import clock
from sequin_admin.health import cause_verbs, cause_words
from sequin_admin.health.cause_models import NOBODY, NOTE_CHARS
from sequin_admin.health.cause_verbs import CauseRefused
from sequin_admin.health.models import Cause, CauseNote

router = Resource(
    "Causes",
    "Open incidents of one provider, code and party that began within an hour of each other.",
)
SEARCH = (
    "Words that the name, the sentence or the code contains, and filters: `provider:hubspot`, "
    "`code:invalid_grant`, `who:us`, `owner:paul`, `id:1f3a99c2`."
)


class CauseShape(Shape):
    """One fault with all that it broke. `status` says who must act; null is nobody."""

    id: UUID
    status: HealthStatus | None
    provider: str
    code: str = Field(examples=[CODE])
    entity: str = Field(
        description="What all of it is of: credential, oauth_app, sync, consumer, target or "
        "provider; empty when that differs.",
        examples=["credential"],
    )
    title: str = Field(examples=["HubSpot refuses 600 accounts"])
    message: str = Field(description="Of its first incident.", examples=[MESSAGE])
    open_incidents: int = Field(description="/v1/incidents?cause_id= lists them.")
    total_incidents: int = Field(description="All that were ever of it.")
    affected: int = Field(description="The rows that depend on those that are open.")
    opened_at: Timestamp
    latest_at: Timestamp = Field(description="When the latest of its incidents began.")
    resolved_at: Timestamp | None
    owner: str | None = Field(description="The member who is on it.", examples=["paul@a.example"])
    muted: bool = Field(description="Nobody is notified of it now.")
    muted_until: Timestamp | None = Field(description="Null with `muted` is until it ends.")


class CauseList(Shape):
    """A page of causes."""

    data: list[CauseShape]
    next_cursor: str | None


class CauseFilters(PageParams):
    """Query parameters of the list of causes."""

    equal = ("provider", "code", "entity")

    sort: Literal["opened_at", "-opened_at"] = "-opened_at"
    state: Literal["open", "resolved", "all"] = "all"
    status: Annotated[str, OneOf("customer_intervention", "sequin_intervention", NOBODY)] | None = (
        Field(default=None, description="Who must act: nobody when a provider is down.")
    )
    provider: str = ""
    code: str = Field(default="", max_length=60)
    entity: str = Field(default="", max_length=20)
    search: str = Field(default="", max_length=TEXT_CHARS, description=SEARCH)

    def narrow(self, rows: Any) -> Any:
        rows = search_rows(super().narrow(rows), self.search)
        if self.status:
            rows = rows.filter(status="" if self.status == NOBODY else self.status)
        is_open = self.state == "open"
        return rows if self.state == "all" else rows.filter(resolved_at__isnull=is_open)


class CauseTake(Body):
    """Who is on it."""

    examples = {"me": {}, "somebody else": {"owner": "paul@arrakis.example"}}

    owner: str = Field(
        default="",
        max_length=254,
        description="The email of a member. By default the person behind the API key.",
    )


class CauseMute(Body):
    """For how long nobody is notified."""

    until: Since | None = Field(
        default=None, description="At most 90 days from now. By default until it ends."
    )

    @classmethod
    def named_examples(cls) -> NamedExamples:
        tomorrow = (clock.now() + timedelta(days=1)).isoformat(timespec="seconds")
        return {
            "until_it_ends": {"summary": "Until it ends", "value": {}},
            "for_a_while": {"summary": "For a while", "value": {"until": tomorrow}},
        }


class CauseNoteCreate(Body):
    """A note."""

    examples = {"note": {"text": "HubSpot's support is looking into it: ticket 4711."}}

    text: str = Field(min_length=1, max_length=NOTE_CHARS)


class CauseNoteShape(Shape):
    """What somebody wrote about a cause."""

    author: str = Field(examples=["paul@arrakis.example"])
    text: str
    at: Timestamp


class CauseWithNotes(CauseShape):
    """A cause with its notes, oldest first."""

    notes: list[CauseNoteShape]


@router.get("", response={200: CauseList, **ERRORS})
def list_causes(request: ApiRequest, filters: Query[CauseFilters]) -> dict[str, Any]:
    """Newest first unless sorted otherwise; they are kept as long as their incidents."""
    rows = Cause.objects.of(require_scope(request, Scope.READ)).select_related("owner")
    page, following = paginate_request(request, filters, rows)
    now = clock.now()
    return {"data": [cause_out(row, now) for row in page], "next_cursor": following}


@router.get("/{cause_id}", response={200: CauseWithNotes, **ERRORS})
def get_cause(request: ApiRequest, cause_id: UUID) -> dict[str, Any]:
    """One cause: who must act, who is on it, and what was written about it."""
    cause = get_owned_or_404(require_scope(request, Scope.READ), cause_id)
    notes = [note_out(note) for note in cause.notes.all()]
    return {**cause_out(cause, clock.now()), "notes": notes}


@router.post("/{cause_id}/take", response={200: CauseShape, **ERRORS})
def take_cause(request: ApiRequest, cause_id: UUID, payload: CauseTake) -> dict[str, Any]:
    """Says who is on it, to all who look. It changes nothing else."""
    organization = require_scope(request, Scope.WRITE)
    cause = get_owned_or_404(organization, cause_id)
    owner = find_owner(request, organization, payload.owner)
    with refusals():
        cause = cause_verbs.take(cause, owner, actor=caller(request))
    return cause_out(cause, clock.now())


@router.post("/{cause_id}/release", response={200: CauseShape, **ERRORS})
def release_cause(request: ApiRequest, cause_id: UUID) -> dict[str, Any]:
    """Nobody is on it."""
    cause = get_owned_or_404(require_scope(request, Scope.WRITE), cause_id)
    return cause_out(cause_verbs.release(cause, actor=caller(request)), clock.now())


@router.post("/{cause_id}/mute", response={200: CauseShape, **ERRORS})
def mute_cause(request: ApiRequest, cause_id: UUID, payload: CauseMute) -> dict[str, Any]:
    """No mail, no Slack message and no event `cause.*` comes of it. Counts and badges stay as they
    are, customers still get their own mail, and programs `incident.*`."""
    cause = get_owned_or_404(require_scope(request, Scope.WRITE), cause_id)
    with refusals():
        cause = cause_verbs.mute(cause, until=payload.until, actor=caller(request))
    return cause_out(cause, clock.now())


@router.post("/{cause_id}/unmute", response={200: CauseShape, **ERRORS})
def unmute_cause(request: ApiRequest, cause_id: UUID) -> dict[str, Any]:
    """It is notified of again: at once, if that did not happen before it was muted."""
    cause = get_owned_or_404(require_scope(request, Scope.WRITE), cause_id)
    return cause_out(cause_verbs.unmute(cause, actor=caller(request)), clock.now())


@router.post("/{cause_id}/notes", response={201: CauseNoteShape, **ERRORS})
def add_cause_note(
    request: ApiRequest, cause_id: UUID, payload: CauseNoteCreate
) -> Status[dict[str, Any]]:
    """A note stands in the timeline of the cause. Who wrote it is the API key."""
    cause = get_owned_or_404(require_scope(request, Scope.WRITE), cause_id)
    with refusals():
        note = cause_verbs.add_note(cause, payload.text, actor=caller(request))
    return Status(201, note_out(note))


def get_owned_or_404(organization: Organization, pk: UUID) -> Cause:
    """Raises 404."""
    rows = Cause.objects.of(organization).select_related("owner", "organization")
    return get_or_404(rows, pk, "cause")


@contextmanager
def refusals() -> Iterator[None]:
    """Answer what a cause refuses with 409, or 422 when it is about a field."""
    try:
        yield
    except CauseRefused as error:
        if error.field:
            raise ApiError(422, INVALID, {error.field: [str(error)]}) from None
        raise ApiError(409, str(error)) from None


def find_owner(request: ApiRequest, organization: Organization, email: str) -> User:
    """Raises 409 when the key is of no person, or there is no such member."""
    if not email:
        if request.auth.created_by is None:
            raise ApiError(409, "The key is of no person. Send the email of a member as owner.")
        return request.auth.created_by
    members = Membership.objects.of(organization).select_related("user")
    found = members.filter(user__email__iexact=email).first()
    if found is None:
        raise ApiError(409, "No member of the organization has this email.")
    return found.user


def cause_out(cause: Cause, at: datetime) -> dict[str, Any]:
    names = CauseShape.model_fields.keys() - {"title", "muted", "owner", "status", "muted_until"}
    muted = cause.is_muted(at)
    return {
        **{name: getattr(cause, name) for name in names},
        "status": cause.status or None,
        "title": cause_words.headline(cause),
        "owner": str(cause.owner) if cause.owner else None,
        "muted": muted,
        "muted_until": cause.muted_until if muted else None,
    }


def note_out(note: CauseNote) -> dict[str, Any]:
    return {"author": note.author, "text": note.text, "at": note.at}
