"""/v1/connect-links: links with which a customer connects an account once, without a login."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse
from ninja import Query, Status
from pydantic import Field

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.connect_links.schemas import (
    OPEN,
    BulkLinks,
    BulkReconnect,
    LinkCreate,
    LinkList,
    LinkPatch,
    LinkShape,
    PublicState,
    link_out,
    with_url,
)
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS, INVALID, ApiError
from sequin_admin.api.framework.etags import IfMatch, check_if_match, with_etag
from sequin_admin.api.framework.pagination import (
    METADATA,
    Creation,
    PageParams,
    filter_by_metadata,
    paginate_request,
)
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.rows import get_or_404
from sequin_admin.connect import links
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp

router = Resource(
    "Connect links",
    "Addresses that a customer opens to connect an account, without a login.",
)

UNKNOWN = "There is no credential with this id in your organization."
CUSTOMERS = ("contact_email", "language")
# Names of fields in the domain's errors, and the API's names for them.
FIELDS = {"oauth_app": "oauth_app_id", "lasts": "expires_in_s"}


class ConnectLinkFilters(PageParams):
    """Query parameters of the list of connect links."""

    equal = ("provider", "batch")

    sort: Creation = "-created_at"
    state: PublicState | None = None
    provider: str = ""
    credential_id: UUID | None = Field(
        default=None, description="The credential that a link reconnects, or that came of it."
    )
    batch: UUID | None = None
    metadata: str = Field(default="", description=METADATA)
    urls: bool = Field(
        default=False,
        description="With the addresses of open links. Takes the scope `secrets`, and is audited.",
    )

    def narrow(self, rows: Any) -> Any:
        rows, now, wanted = super().narrow(rows), clock.now(), self.state
        if wanted:
            rows = rows.open(now) if wanted == OPEN else rows.in_state(wanted, now)
        if self.credential_id:
            either = Q(reconnects=self.credential_id) | Q(credential=self.credential_id)
            rows = rows.filter(either)
        return filter_by_metadata(rows, self.metadata)


def get_owned_or_404(organization: Organization, pk: UUID, *, lock: bool = False) -> ConnectLink:
    """Raises 404."""
    return get_or_404(ConnectLink.objects.of(organization), pk, "connect link", lock=lock)


def check_open(link: ConnectLink) -> None:
    """Raises 409 for a link that is no longer open."""
    if not link.is_open:
        summary = f"{link} is {link.state.value} already. Nothing was changed."
        raise ApiError(409, summary)


@router.post("", response={201: LinkShape, **ERRORS})
def create_connect_link(
    request: ApiRequest, payload: LinkCreate, response: HttpResponse
) -> Status[dict[str, Any]]:
    """The answer's `url` is what you send the customer. Whoever has it can use it, once."""
    organization = require_scope(request, Scope.WRITE)
    lasts = timedelta(seconds=payload.expires_in_s)
    try:
        if payload.reconnects:
            more = set(
                payload.model_dump(
                    exclude={"reconnects", "expires_in_s", "language"}, exclude_defaults=True
                )
            )
            credential = get_reconnectable(organization, payload.reconnects, more)
            link = links.create_reconnect(
                organization,
                credential,
                actor=caller(request),
                lasts=lasts,
                language=payload.language,
            )
        else:
            link = links.create(
                organization,
                kinds_of(payload),
                actor=caller(request),
                lasts=lasts,
                oauth_app=get_oauth_app_or_422(organization, payload.oauth_app_id),
                **payload.model_dump(include={"name", "metadata", "redirect_url", *CUSTOMERS}),
            )
    except links.TooManyLinks:
        raise
    except links.BadLink as error:
        raise ApiError(422, INVALID, {FIELDS.get(error.field, error.field): [str(error)]}) from None
    return Status(201, link_response(response, link))


def get_reconnectable(organization: Organization, pk: UUID, more: set[str]) -> Credential:
    """The credential to connect again. Raises 422 when it does not exist, and for `more` fields,
    which come from the credential."""
    if more:
        message = "Leave it out: a link that reconnects takes it from the credential."
        raise ApiError(422, INVALID, {name: [message] for name in sorted(more)})
    rows = Credential.objects.of(organization).select_related("oauth_app")
    credential = rows.filter(pk=pk).first()
    if credential is None:
        raise ApiError(422, INVALID, {"reconnects": [UNKNOWN]})
    return credential


def kinds_of(payload: LinkCreate) -> list[type[Credential]]:
    """The kinds to choose from. Raises 422."""
    if payload.kinds is None:
        raise ApiError(422, INVALID, {"kinds": ["Send either kinds or reconnects."]})
    known = [kinds.find(slug) for slug in payload.kinds]
    messages = ["This is not one of the kinds. See /v1/kinds for what there is."]
    unknown = {f"kinds.{number}": messages for number, kind in enumerate(known) if kind is None}
    if unknown:
        raise ApiError(422, INVALID, unknown)
    return [kind for kind in dict.fromkeys(known) if kind]


def get_oauth_app_or_422(organization: Organization, pk: UUID | None) -> OAuthApp | None:
    """The app of that id, None without one. Raises 422."""
    if pk is None:
        return None
    app = OAuthApp.objects.of(organization).filter(pk=pk).first()
    if app is None:
        message = "There is no OAuth app with this id in your organization."
        raise ApiError(422, INVALID, {"oauth_app_id": [message]})
    return app


def link_response(
    response: HttpResponse, link: ConnectLink, *, reveal: bool = True
) -> dict[str, Any]:
    """The link with its ETag, which does not cover `url`, so that it is the same for every key."""
    response["Cache-Control"] = "no-store"
    return with_url(link, with_etag(response, link_out(link)), reveal=reveal)


@router.post("/bulk", response={201: BulkLinks, **ERRORS})
def create_reconnect_links(
    request: ApiRequest, payload: BulkReconnect, response: HttpResponse
) -> Status[dict[str, Any]]:
    """A link for each credential whose customer must act."""
    organization, batch = require_scope(request, Scope.WRITE), uuid4()
    rows = Credential.objects.of(organization).filter(pk__in=payload.credential_ids)
    found = list(rows.select_related("oauth_app").order_by("name", "id"))
    made, left_out = links.create_reconnects(
        organization,
        found,
        actor=caller(request),
        batch=batch,
        lasts=timedelta(seconds=payload.expires_in_s),
        language=payload.language,
    )
    reasons = {credential.pk: reason for credential, reason in left_out}
    known = {credential.pk for credential in found}
    reasons |= {pk: UNKNOWN for pk in payload.credential_ids if pk not in known}
    response["Cache-Control"] = "no-store"
    answer = {
        "batch": batch,
        "data": [with_url(link, link_out(link)) for link in made],
        "left_out": [{"credential_id": pk, "reason": reason} for pk, reason in reasons.items()],
    }
    return Status(201, answer)


@router.get("", response={200: LinkList, **ERRORS})
def list_connect_links(
    request: ApiRequest, filters: Query[ConnectLinkFilters], response: HttpResponse
) -> dict[str, Any]:
    """Newest first unless sorted otherwise; they are kept for 90 days after their end, or
    as many as the server is set to."""
    organization, reveal = require_scope(request, Scope.READ), filters.urls
    if reveal:
        require_scope(request, Scope.SECRETS)
        response["Cache-Control"] = "no-store"
    rows = ConnectLink.objects.of(organization)
    page, following = paginate_request(request, filters, rows if reveal else rows.defer("secrets"))
    if reveal:
        links.record_exported(organization, actor=caller(request), batch=filters.batch)
    data = [with_url(link, link_out(link), reveal=reveal) for link in page]
    return {"data": data, "next_cursor": following}


@router.get("/{link_id}", response={200: LinkShape, **ERRORS})
def get_connect_link(request: ApiRequest, link_id: UUID, response: HttpResponse) -> dict[str, Any]:
    """Its state, with its ETag; while it is open and with the scope `secrets`, its `url`."""
    link = get_owned_or_404(require_scope(request, Scope.READ), link_id)
    return link_response(response, link, reveal=Scope.SECRETS in request.auth.scopes)


@router.patch("/{link_id}", response={200: LinkShape, **ERRORS})
def update_connect_link(
    request: ApiRequest,
    link_id: UUID,
    payload: LinkPatch,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Change the name, metadata and contact of the credential to come, and the language. 409
    once the link is no longer open. What it offers can't change: withdraw it and make another."""
    organization = require_scope(request, Scope.WRITE)
    with transaction.atomic():
        link = get_owned_or_404(organization, link_id, lock=True)
        check_if_match(if_match, link_out(link))
        check_open(link)
        try:
            links.update_link(link, actor=caller(request), **payload.model_dump())
        except links.BadLink as error:
            raise ApiError(422, INVALID, {error.field: [str(error)]}) from None
    return link_response(response, link, reveal=Scope.SECRETS in request.auth.scopes)


@router.delete("/{link_id}", response={204: None, **ERRORS})
def withdraw_connect_link(
    request: ApiRequest, link_id: UUID, if_match: IfMatch = None
) -> Status[None]:
    """It no longer works; it stays in the list as revoked. 409 when it is not open."""
    organization = require_scope(request, Scope.WRITE)
    with transaction.atomic():
        link = get_owned_or_404(organization, link_id, lock=True)
        check_if_match(if_match, link_out(link))
        check_open(link)
        links.revoke(link, actor=caller(request))
    return Status(204, None)
