"""Sends connect links to their contacts, one or in sets, through the outbox.

A mail is stored with everything else of the transaction, and sent by the worker **at least once**:
a worker that is killed between handing a mail over and recording it leaves an attempt without an
end, and the next one sends the mail again under the same Message-ID.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import models, transaction
from django.utils import translation

from sequin_admin.access.branding import get_branding
from sequin_admin.access.keys import get_person
from sequin_admin.access.models import Organization
from sequin_admin.access.rights import refuse_lost_right
from sequin_admin.connect.links.details import address
from sequin_admin.connect.mails import texts
from sequin_admin.connect.mails.allowance import (
    MOST_REMIND_HOURS,
    get_mail_settings,
    take_allowance,
    too_many_message,
)
from sequin_admin.connect.mails.texts import BadMail, MailText
from sequin_admin.connect.models import ConnectLink, LinkMail, MailPurpose
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.languages import LANGUAGES, choose_language, format_local_time
from sequin_admin.notifications import outbox
from sequin_admin.notifications.events import record_and_notify_many
from sequin_admin.notifications.message import LINK_MAIL, Message, Severity

MOST_PER_LINK = 5
NO_CONTACT = "No mail address of the customer is known. Enter it as the contact first."
TOO_OFTEN = (
    f"This link was mailed {MOST_PER_LINK} times already. Withdraw it and make a new one, or reach "
    "the customer in another way."
)
CLOSED = "It is over, so there is nothing to send. Make a new one."


class TooManyMails(BadMail):
    """More mails than the organization may send today."""

    def __init__(self, organization: Organization, wanted: int, left: int) -> None:
        super().__init__({"mails": too_many_message(organization, wanted, left)})


@transaction.atomic
def send_link(
    link: ConnectLink,
    *,
    actor: AnyActor,
    written: MailText | None = None,
    language: str = "",
    remind_hours: int | None = None,
    pk: UUID | None = None,
) -> LinkMail:
    """Mail a link to its contact. `written` replaces the template's text.

    `pk` is of the page that asked: sent twice, it is sent once. Raises `BadMail`, with nothing
    sent.
    """
    row = lock_link(link)
    if pk and (sent := LinkMail.objects.of(row.organization).filter(pk=pk, link=row).first()):
        return sent
    if reason := refusal(row, count_mails([row]).get(row.pk, 0)):
        raise BadMail({"link": reason})
    if language:
        row.language = check_language(language)
        row.save(update_fields=["language"])
    mails = send_checked(row.organization, [row], actor=actor, written=written, pk=pk)
    remind(row.organization, [row], remind_hours)
    return mails[0]


@transaction.atomic
def send_links(
    organization: Organization,
    links: Sequence[ConnectLink],
    *,
    actor: AnyActor,
    written: MailText | None = None,
    remind_hours: int | None = None,
) -> tuple[list[LinkMail], list[tuple[ConnectLink, str]]]:
    """As `send_link()`, for many of an organization, in sets. Returns the mails, and the links that
    got none with the reason. Raises `TooManyMails`, with nothing sent."""
    left_out, good, counts = (
        list[tuple[ConnectLink, str]](),
        list[ConnectLink](),
        count_mails(links),
    )
    for link in links:
        if reason := refusal(link, counts.get(link.pk, 0)):
            left_out.append((link, reason))
        else:
            good.append(link)
    mails = send_checked(organization, good, actor=actor, written=written)
    remind(organization, good, remind_hours)
    refuse_lost_right(actor, organization)
    return mails, left_out


def lock_link(link: ConnectLink) -> ConnectLink:
    """The row as it is now, locked: whoever closes it meanwhile waits."""
    rows = ConnectLink.objects.select_related("organization", "reconnects")
    return rows.select_for_update(of=("self",), no_key=True).get(pk=link.pk)


def count_mails(links: Sequence[ConnectLink]) -> dict[UUID, int]:
    """How many mails each link has, without reminders."""
    rows = LinkMail.objects.filter(link__in=[link.pk for link in links])
    counted = rows.exclude(purpose=MailPurpose.REMINDER).order_by().values_list("link")
    return dict(counted.annotate(models.Count("pk")))


def refusal(link: ConnectLink, sent: int) -> str:
    """Why the link can't be mailed; empty when it can."""
    if not link.is_open or not address(link):
        return CLOSED
    if not link.contact:
        return NO_CONTACT
    return TOO_OFTEN if sent >= MOST_PER_LINK else ""


def check_language(language: str) -> str:
    """Raises `BadMail` for one that is not ours."""
    if language not in LANGUAGES:
        raise BadMail({"language": f"Choose one of {', '.join(LANGUAGES)}."})
    return language


def send_checked(
    organization: Organization,
    links: Sequence[ConnectLink],
    *,
    actor: AnyActor,
    written: MailText | None = None,
    purpose: MailPurpose | None = None,
    pk: UUID | None = None,
) -> list[LinkMail]:
    """Store mails and their deliveries for links that may be mailed. Raises `TooManyMails`."""
    if not links:
        return []
    left = take_allowance(organization, len(links))
    if left < len(links):
        raise TooManyMails(organization, len(links), left)
    usual = get_branding(organization).language
    drafts = [
        LinkMail(
            pk=pk or uuid4(),
            organization=organization,
            link=link,
            purpose=purpose or purpose_of(link),
            to=link.contact,
            language=choose_language(link.language, usual),
            created_by=get_person(actor),
        )
        for link in links
    ]
    wanted = list({(draft.purpose, draft.language) for draft in drafts})
    known = texts.get_texts(organization, wanted)
    posted = outbox.post_to_customers(
        organization,
        [
            (
                build_message(draft, written or known[draft.purpose, draft.language]),
                draft.link.expires_at,
            )
            for draft in drafts
        ],
    )
    for draft, delivery in zip(drafts, posted, strict=True):
        draft.delivery = delivery
    mails = LinkMail.objects.bulk_create(drafts)
    changed = ((mail.link, LINK_MAIL, details_of(mail)) for mail in mails)
    record_and_notify_many(organization, changed, actor)
    return mails


def usual_language(organization: Organization) -> str:
    """That of mails whose link has none."""
    return get_branding(organization).language


def details_of(mail: LinkMail) -> dict[str, str]:
    return {"to": mail.to, "purpose": mail.purpose, "language": mail.language}


def purpose_of(link: ConnectLink) -> MailPurpose:
    return MailPurpose.RECONNECT if link.reconnects_id else MailPurpose.CONNECT


def build_message(mail: LinkMail, text: MailText) -> Message:
    link = mail.link
    values = values_for(link, mail.language)
    return Message(
        type=LINK_MAIL,
        key=f"connect_link:{link.pk}",
        severity=Severity.WARNING,
        title=texts.fill(text.subject, values),
        text=f"{link} is mailed to its contact.",
        to_customer=mail.to,
        customer_title=texts.fill(text.subject, values),
        customer_text=texts.fill(text.text, values),
        customer_url=address(link),
        customer_language=mail.language,
        customer_plain=True,
    )


def values_for(link: ConnectLink, language: str) -> dict[str, str]:
    """What the placeholders stand for, but for `{link}`: its address is a secret, and filled in
    when the mail is sent."""
    known = link.reconnects.describe() if link.reconnects else ""
    # A name is written by whoever sends, so nothing in it may become a link.
    account = texts.safe_value(known) or texts.safe_value(link.name, hosts=False)
    with translation.override(language):
        expires = format_local_time(link.expires_at)
    return {
        "organization": texts.safe_value(link.organization.name),
        "provider": link.provider_title,
        "account": account or link.provider_title,
        "expires": expires,
    }


def remind(organization: Organization, links: Sequence[ConnectLink], hours: int | None) -> None:
    """Set when the contacts are reminded: `hours` before the end, 0 for never."""
    usual = get_mail_settings(organization).remind_hours if hours is None else hours
    if not 0 <= usual <= MOST_REMIND_HOURS:
        raise BadMail(
            {"remind_hours": f"Enter 0 to {MOST_REMIND_HOURS} hours; 0 sends no reminder."}
        )
    now = clock.now()
    for link in links:
        at = link.expires_at - timedelta(hours=usual)
        # Not right after the mail itself.
        link.remind_at = at if usual and at > now else None
    ConnectLink.objects.bulk_update(links, ["remind_at"])
