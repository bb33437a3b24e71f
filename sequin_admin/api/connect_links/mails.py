"""/v1/connect-links/{id}/mails: links that are mailed to their contacts, and what became of it."""

from typing import Any
from uuid import UUID

from django.db import transaction
from ninja import Status
from pydantic import Field

from sequin_admin.access.models import Scope
from sequin_admin.api.connect_links.schemas import LANGUAGE, MAX_LINKS, Language
from sequin_admin.api.connect_links.views import get_owned_or_404
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS, INVALID, ApiError
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import EXAMPLE_ID, Body, Shape, Timestamp
from sequin_admin.api.notifications.deliveries import TryShape
from sequin_admin.connect import mails
from sequin_admin.connect.models import ConnectLink, LinkMail, MailPurpose
from sequin_admin.notifications.models import DeliveryState

router = Resource("Connect links")

SUBJECT = "One line. Empty: the template's."
TEXT = "Plain text with `{link}` once, and other placeholders. Empty: the template's."
REMIND = "So many hours before the end; 0 for no reminder. Null: as the settings say."
SHOWN = 20


class MailBody(Body):
    """What may be said of a mail. It goes to the contact alone, so no address is taken."""

    subject: str = Field(default="", max_length=1000, description=SUBJECT)
    text: str = Field(default="", max_length=20_000, description=TEXT)
    remind_hours: int | None = Field(
        default=None, ge=0, le=mails.MOST_REMIND_HOURS, description=REMIND
    )


class LinkSend(MailBody):
    """A mail of one link."""

    examples = {
        "as the template says": {},
        "in German": {"language": "de", "remind_hours": 24},
    }

    language: Language = Field(default="", description=LANGUAGE)


class LinksSend(MailBody):
    """Mails of many links: those of a batch, or those that are named."""

    examples = {"a batch": {"batch": EXAMPLE_ID}, "two links": {"link_ids": [EXAMPLE_ID]}}

    batch: UUID | None = Field(
        default=None, description=f"Its open links that were not mailed; {MAX_LINKS} a request."
    )
    link_ids: list[UUID] | None = Field(default=None, min_length=1, max_length=MAX_LINKS)


class LinkMailShape(Shape):
    """A mail with a link, and each try to hand it over. It is sent at least once: `attempts` that
    are more than the `tries` were cut off, and the mail may come twice under one Message-ID."""

    id: UUID
    link_id: UUID
    purpose: MailPurpose
    to: str = Field(examples=["duncan@arrakis.example"])
    language: str = Field(examples=["de"])
    created_at: Timestamp
    state: DeliveryState | None = Field(description="Null once its tries are no longer kept.")
    remark: str = Field(description="What the mail server said, where it refused.")
    attempts: int
    next_try_at: Timestamp | None
    tries: list[TryShape]


class LinkMailList(Shape):
    """The latest mails of a link, newest first."""

    data: list[LinkMailShape]


class UnsentLink(Shape):
    """A link that was not mailed, and why."""

    link_id: UUID
    reason: str


class SentLinks(Shape):
    """What is on its way, and what is not. `left_today` may still be sent on this day (UTC)."""

    data: list[LinkMailShape]
    left_out: list[UnsentLink]
    left_today: int


def mail_out(mail: LinkMail) -> dict[str, Any]:
    plain = ("link_id", "purpose", "to", "language", "created_at")
    row = mail.delivery
    return {
        "id": mail.pk,
        **{name: getattr(mail, name) for name in plain},
        "state": row.state if row else None,
        "remark": row.last_error if row else "",
        "attempts": row.attempts if row else 0,
        "next_try_at": row.next_try_at if row else None,
        "tries": row.log[::-1] if row else [],
    }


def written_text(payload: MailBody, usual: mails.MailText) -> mails.MailText | None:
    """The text of the request, completed from the template; None when it has none. Raises 422."""
    if not payload.subject and not payload.text:
        return None
    try:
        return mails.clean(payload.subject or usual.subject, payload.text or usual.text)
    except mails.BadMail as error:
        raise invalid(error) from None


def invalid(error: mails.BadMail) -> ApiError:
    """409 for what is not the request's fault, else 422."""
    if isinstance(error, mails.TooManyMails) or "link" in error.fields:
        return ApiError(409, f"{error} Nothing was sent.")
    return ApiError(422, INVALID, {name: [words] for name, words in error.fields.items()})


@router.post("/{link_id}/send", response={202: LinkMailShape, **ERRORS})
def send_connect_link(
    request: ApiRequest, link_id: UUID, payload: LinkSend
) -> Status[dict[str, Any]]:
    """Mail the link to its contact: for one that reconnects, that of the credential. 409 when it is
    over, has no contact, or the day's mails are used up. Send an `Idempotency-Key`, so that a
    request that is repeated sends once."""
    organization = require_scope(request, Scope.WRITE)
    with transaction.atomic():
        link = get_owned_or_404(organization, link_id, lock=True)
        language = payload.language or link.language or mails.usual_language(organization)
        usual = mails.get_text(organization, mails.purpose_of(link), language)
        try:
            mail = mails.send_link(
                link,
                actor=caller(request),
                written=written_text(payload, usual),
                language=payload.language,
                remind_hours=payload.remind_hours,
            )
        except mails.BadMail as error:
            raise invalid(error) from None
    return Status(202, mail_out(mail))


@router.get("/{link_id}/mails", response={200: LinkMailList, **ERRORS})
def list_link_mails(request: ApiRequest, link_id: UUID) -> dict[str, Any]:
    """The latest 20 mails of the link with their tries."""
    link = get_owned_or_404(require_scope(request, Scope.READ), link_id)
    rows = link.mails.select_related("delivery").defer("delivery__secrets")
    return {"data": [mail_out(row) for row in rows.order_by("-created_at")[:SHOWN]]}


@router.post("/send", response={202: SentLinks, **ERRORS})
def send_connect_links(request: ApiRequest, payload: LinksSend) -> Status[dict[str, Any]]:
    """Mail many links to their contacts. 409 when more mails are asked for than are left today:
    then nothing was sent."""
    organization = require_scope(request, Scope.WRITE)
    if (payload.batch is None) == (payload.link_ids is None):
        raise ApiError(422, INVALID, {"batch": ["Send either batch or link_ids."]})
    rows = ConnectLink.objects.of(organization).select_related("organization", "reconnects")
    if payload.batch:
        rows = rows.filter(batch=payload.batch, mails=None, completed_at=None, revoked_at=None)
    else:
        rows = rows.filter(pk__in=payload.link_ids or ())
    usual = mails.get_text(organization, MailPurpose.RECONNECT, mails.usual_language(organization))
    with transaction.atomic():
        locked = rows.select_for_update(of=("self",), no_key=True).order_by("created_at", "pk")
        found = list(locked[:MAX_LINKS])
        try:
            sent, left_out = mails.send_links(
                organization,
                found,
                actor=caller(request),
                written=written_text(payload, usual),
                remind_hours=payload.remind_hours,
            )
        except mails.BadMail as error:
            raise invalid(error) from None
    reasons = {link.pk: reason for link, reason in left_out}
    known = {link.pk for link in found}
    unknown = "There is no connect link with this id in your organization."
    reasons |= {pk: unknown for pk in payload.link_ids or () if pk not in known}
    answer = {
        "data": [mail_out(mail) for mail in sent],
        "left_out": [{"link_id": pk, "reason": reason} for pk, reason in reasons.items()],
        "left_today": mails.left_today(organization),
    }
    return Status(202, answer)
