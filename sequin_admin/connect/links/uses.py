"""What a customer does with a link: open it, try, connect."""

from django.db import transaction
from django.db.models import F

from sequin_admin.connect import credential_operations
from sequin_admin.connect.links.closing import (
    LinkClosed,
    forget_tokens,
    refuse_closed,
    refuse_ending,
)
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.core.actors import NOWHERE, Actor
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.credentials.properties import Properties
from sequin_admin.notifications.events import notify_change, record_and_notify
from sequin_admin.tokens import protocol

MAX_TRIES = 30


def find(token: str) -> ConnectLink:
    """The open link of a token. Raises `LinkClosed`."""
    rows = ConnectLink.objects.with_page_relations()
    link = rows.filter(token_digest=protocol.digest(token)).first()
    if link is None:
        raise LinkClosed(
            "This link is not one of ours. Check that you copied all of it, or ask whoever sent it "
            "for a new one."
        )
    refuse_closed(link)
    return link


@transaction.atomic
def record_opened(link: ConnectLink, *, origin: Actor = NOWHERE) -> None:
    """Set `opened_at` and notify, the first time only."""
    if ConnectLink.objects.filter(pk=link.pk, opened_at=None).update(opened_at=clock.now()):
        link.refresh_from_db(fields=["opened_at"])
        record_and_notify(link, "connect_link.opened", origin.acting_as(None))


def count_try(link: ConnectLink) -> None:
    """Count a try, so that a link can't be used to guess keys. Raises `LinkClosed`."""
    refuse_closed(link)
    fewer = ConnectLink.objects.filter(pk=link.pk, tries__lt=MAX_TRIES)
    if not fewer.update(tries=F("tries") + 1):
        raise LinkClosed(
            f"This link was tried {MAX_TRIES} times without success, so it is closed. "
            f"Ask {link.organization} for a new one.",
            link,
        )


def submit_properties(
    link: ConnectLink, properties: Properties, *, origin: Actor = NOWHERE
) -> Credential:
    """Probe the key or password that a customer entered, save it and complete the link.

    Raises `Refused` when the provider rejects it, `OtherAccount` and `LinkClosed`; no credential
    is stored then.
    """
    count_try(link)
    existing = link.reconnects
    draft = (
        credential_operations.replacement_of(existing, properties)
        if existing
        else credential_operations.draft_of(link.organization, properties)
    )
    outcome = credential_operations.probe_draft(draft)
    if outcome.verdict is Verdict.CUSTOMER:
        fail(link, outcome.sentence)
        raise Refused(outcome)
    actor = origin.acting_as(link)
    with transaction.atomic():
        credential = (
            credential_operations.apply_replacement(existing, draft, actor=actor).credential
            if existing
            else save_link_credential(link, draft, actor)
        )
        complete(link, credential, origin=origin)
    return credential


def save_link_credential(link: ConnectLink, draft: Credential, actor: Actor) -> Credential:
    return credential_operations.save_draft(
        draft, actor=actor, name=link.name, metadata=link.metadata or None
    ).credential


def complete(link: ConnectLink, credential: Credential, *, origin: Actor = NOWHERE) -> None:
    """Complete the link in the transaction that saves its credential. Raises `LinkClosed`.

    Other open links that reconnect the same credential are revoked.
    """
    refuse_ending(link)
    now = clock.now()
    mine = ConnectLink.objects.filter(pk=link.pk, completed_at=None, revoked_at=None)
    if not mine.update(completed_at=now, credential=credential, failure=""):
        link.refresh_from_db(fields=["completed_at", "revoked_at"])
        refuse_closed(link)
    same = ConnectLink.objects.open(now).filter(reconnects=credential)
    closed = [link.pk, *same.values_list("pk", flat=True)]
    same.update(revoked_at=now)
    forget_tokens(ConnectLink.objects.filter(pk__in=closed))
    link.credential = credential
    if link.contact_email and not credential.contact_email:
        credential.contact_email = link.contact_email
        credential.save(update_fields=["contact_email"])
    actor = origin.acting_as(link)
    record_and_notify(link, "connect_link.completed", actor, credential=str(credential.pk))


@transaction.atomic
def fail(link: ConnectLink, reason: str) -> None:
    """Record why the customer could not connect, and notify. The link stays open."""
    link.failure, link.failed_at = reason[:500], clock.now()
    link.save(update_fields=["failure", "failed_at"])
    notify_change(
        link,
        "connect_link.failed",
        link,
        text=f"{link.failure} The link can be used again.",
    )
