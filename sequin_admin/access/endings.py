"""Ends an organization: asked for by an owner, undone until its time, then begun by the worker.

While it waits nothing is renewed, probed, delivered or granted for it, and nothing is changed. What
comes after that is in `connect.endings`.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models, transaction
from django.template.loader import render_to_string

from sequin_admin.access import configuration
from sequin_admin.access.models import (
    ApiKey,
    EndingStep,
    Membership,
    Organization,
    OrganizationEnding,
)
from sequin_admin.access.policy import Role
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock, leases
from sequin_admin.core.actors import Actor, AnyActor
from sequin_admin.core.prepared import PreparedQuery
from sequin_admin.core.wrapping import one_line

# What lies at least between the mail that reminds its owners and the end.
REMINDED_BEFORE = timedelta(days=1)
# So much earlier it is begun, so that an end is only moved when that was late.
EARLY = timedelta(minutes=10)
log = structlog.get_logger(__name__)
Row = TypeVar("Row", bound=models.Model)


class EndRefused(Exception):
    """The end can't be asked for or undone. `str()` is a sentence."""


def describe_end(organization: Organization) -> str:
    """The sentence for what is refused while the organization waits for its end."""
    return (
        f"{organization} ends on {organization.ends_at:%-d %b %Y, %H:%M} UTC, so it can only be "
        "looked at. An owner can undo that on its page until then."
    )


ENDING_BY_ID = PreparedQuery(
    lambda pk: Organization.objects.filter(pk=pk, ends_at__isnull=False),
    {"pk": (models.UUIDField(), uuid4())},
)


def is_ending(organization: Organization) -> bool:
    """As stored now."""
    return ENDING_BY_ID.first(pk=organization.pk) is not None


def list_ending() -> Sequence[UUID]:
    """Organizations for which nothing is done any more."""
    return list(OrganizationEnding.objects.values_list("pk", flat=True))


def without_ending(
    rows: models.QuerySet[Row], ending: Sequence[UUID], path: str = "organization"
) -> models.QuerySet[Row]:
    """The rows without those of organizations that end. `path` leads to the organization."""
    return rows.exclude(**{f"{path}__in": ending}) if ending else rows


def closed_queues(ending: Sequence[UUID]) -> list[str]:
    """The patterns, as of LIKE, of their queues: see `core.turns`."""
    return [f"{pk.hex}%" for pk in ending]


def ask(organization: Organization, *, actor: AnyActor, reason: str = "") -> OrganizationEnding:
    """Let the organization end when the wait is over. Its owners are mailed first.

    Raises `EndRefused`, with nothing done.
    """
    if is_ending(organization):
        raise EndRefused(f"{organization} ends already. Nothing was changed.")
    row = Actor.of(actor).row
    now = clock.now()
    ending = OrganizationEnding(
        pk=organization.pk,
        name=organization.name,
        asked_by=str(row.pk) if row else "",
        asked_at=now,
        ends_at=now + configuration.CONFIGURATION.wait,
        due_at=now + max(configuration.CONFIGURATION.wait - REMINDED_BEFORE - EARLY, timedelta()),
    )
    mail_owners(organization, "asked", {"ending": ending, "actor": row, "reason": reason})
    with transaction.atomic():
        locked = Organization.objects.select_for_update().get(pk=organization.pk)
        if locked.ends_at:
            raise EndRefused(f"{organization} ends already. Nothing was changed.")
        ending.save(force_insert=True)
        show_end(organization, ending)
        details: dict[str, Any] = {"reason": reason} if reason else {}
        ends_at = ending.ends_at.isoformat()
        record_change(organization, "organization.end_asked", actor, ends_at=ends_at, **details)
    return ending


def undo(organization: Organization, *, actor: AnyActor) -> None:
    """Let the organization stay. Raises `EndRefused` when it does not end, or its end has begun."""
    with transaction.atomic():
        # The lock that whoever begins the end takes as well.
        Organization.objects.select_for_update().get(pk=organization.pk)
        ending = OrganizationEnding.objects.filter(pk=organization.pk).first()
        if ending is None:
            raise EndRefused(f"{organization} does not end. Nothing was changed.")
        if ending.began_at:
            raise EndRefused(f"{organization} is being erased. That can't be undone any more.")
        ending.delete()
        show_end(organization, None)
        record_change(organization, "organization.end_undone", actor)
    try:
        mail_owners(organization, "undone", {"actor": Actor.of(actor).row})
    except EndRefused:
        log.warning("owners not mailed", organization=str(organization.pk), exc_info=True)


def show_end(organization: Organization, ending: OrganizationEnding | None) -> None:
    """Tell pages by a column of the organization, and cached API keys by their version."""
    organization.ends_at = ending.ends_at if ending else None
    organization.save(update_fields=["ends_at"])
    keys = ApiKey.objects.filter(organization=organization)
    keys.update(version=models.F("version") + 1)


def draft_mails(
    organization: Organization, event: str, context: dict[str, object]
) -> list[EmailMessage]:
    """One to each owner."""
    owners = Membership.objects.of(organization).filter(role=Role.OWNER, user__is_active=True)
    given = {"organization": organization, "public_url": settings.PUBLIC_URL, **context}
    titles = {
        "asked": f"{organization} will be erased",
        "reminded": f"{organization} will be erased soon",
        "undone": f"{organization} will not be erased",
    }
    text = render_to_string(f"organization/end_{event}.txt", given)
    addresses = owners.values_list("user__email", flat=True)
    return [EmailMessage(one_line(titles[event]), text, to=[address]) for address in addresses]


def mail_owners(organization: Organization, event: str, context: dict[str, object]) -> None:
    """Raises `EndRefused` when they could not be mailed."""
    try:
        for mail in draft_mails(organization, event, context):
            mail.send()
    except OSError as error:
        raise EndRefused(
            "The owners could not be mailed, so nothing was changed. Ask whoever runs this server "
            "to check its mail settings, then try again."
        ) from error


def mail_reminders(organization: Organization, ending: OrganizationEnding) -> None:
    """Raises `EndRefused` when no owner could be mailed.

    One whose address is refused is not tried again: the others would get it each time.
    """
    mails, failures = draft_mails(organization, "reminded", {"ending": ending}), 0
    for mail in mails:
        try:
            mail.send()
        except OSError:
            failures += 1
            log.warning("owner not reminded", organization=str(organization.pk), exc_info=True)
    if mails and failures == len(mails):
        raise EndRefused(
            f"No owner of {organization} could be mailed that it ends, so it does not end yet. "
            "Check the mail settings of this server; it is tried again in some minutes."
        )


def remind(ending: OrganizationEnding) -> None:
    """Mail the owners once more, and write that down. The caller has its lease.

    Who could not be reminded in time, as no worker ran, has a whole day from then on: the end is
    moved. Does nothing where that is done, or the wait is so short that they were mailed just
    before. Raises `EndRefused` when none could be mailed; the next turn tries again.
    """
    is_short = ending.ends_at - ending.asked_at <= REMINDED_BEFORE
    organization = Organization.objects.filter(pk=ending.pk, ends_at__isnull=False).first()
    if ending.reminded_at or is_short or organization is None:
        return
    ending.ends_at = max(ending.ends_at, clock.now() + REMINDED_BEFORE)
    mail_reminders(organization, ending)
    with transaction.atomic():
        # The lock of `undo()`.
        locked = Organization.objects.select_for_update().filter(pk=organization.pk).first()
        waiting = leases.still_mine(ending).filter(step=EndingStep.WAITING)
        if locked and waiting.update(reminded_at=clock.now(), ends_at=ending.ends_at):
            if locked.ends_at != ending.ends_at:
                show_end(locked, ending)
            ends_at = ending.ends_at.isoformat()
            record_change(organization, "organization.end_reminded", None, ends_at=ends_at)


@transaction.atomic
def begin(ending: OrganizationEnding) -> bool:
    """Begin the end whose time has come: from now on it can't be undone.

    False when it was undone meanwhile. The caller has its lease.
    """
    rows = Organization.objects.select_for_update().filter(pk=ending.pk)
    if not rows.first():
        return False
    waiting = OrganizationEnding.objects.filter(
        pk=ending.pk, step=EndingStep.WAITING, ends_at__lte=clock.now()
    )
    now = clock.now()
    return bool(waiting.update(step=EndingStep.RETURNING, began_at=now))
