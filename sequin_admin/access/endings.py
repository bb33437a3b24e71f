"""Ends an organization: asked for by an owner, undone until its time, then begun by the worker.

While it waits nothing is renewed, probed, delivered or granted for it, and nothing is changed. What
comes after that is in `connect.endings`.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar
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
# To erase is a duty: a mail server that stays away moves an end by three days at most.
REMINDING_TRIED_FOR = timedelta(days=4)
log = structlog.get_logger(__name__)
Row = TypeVar("Row", bound=models.Model)


class EndRefused(Exception):
    """The end can't be asked for or undone. `str()` is a sentence."""


class Mailed(NamedTuple):
    """How many owners were mailed, and the ids of those who could not be."""

    mailed: int
    not_mailed: list[str]


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
    told = mail_owners(organization, "asked", {"ending": ending, "actor": row, "reason": reason})
    if told.not_mailed and not told.mailed:
        raise EndRefused(
            "The owners could not be mailed, so nothing was changed. Ask whoever runs this server "
            "to check its mail settings, then try again."
        )
    with transaction.atomic():
        locked = Organization.objects.select_for_update().get(pk=organization.pk)
        if locked.ends_at:
            raise EndRefused(f"{organization} ends already. Nothing was changed.")
        ending.save(force_insert=True)
        show_end(organization, ending)
        details: dict[str, Any] = {"reason": reason} if reason else {}
        if told.not_mailed:
            details["not_mailed"] = told.not_mailed
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
    mail_owners(organization, "undone", {"actor": Actor.of(actor).row})


def show_end(organization: Organization, ending: OrganizationEnding | None) -> None:
    """Tell pages by a column of the organization, and cached API keys by their version."""
    organization.ends_at = ending.ends_at if ending else None
    organization.save(update_fields=["ends_at"])
    keys = ApiKey.objects.filter(organization=organization)
    keys.update(version=models.F("version") + 1)


def draft_mails(
    organization: Organization, event: str, context: dict[str, object]
) -> Iterator[tuple[str, EmailMessage]]:
    """One to each owner, with the owner's id."""
    owners = Membership.objects.of(organization).filter(role=Role.OWNER, user__is_active=True)
    given = {"organization": organization, "public_url": settings.PUBLIC_URL, **context}
    titles = {
        "asked": f"{organization} will be erased",
        "reminded": f"{organization} will be erased soon",
        "undone": f"{organization} will not be erased",
    }
    text = render_to_string(f"organization/end_{event}.txt", given)
    for pk, address in owners.values_list("user", "user__email"):
        yield str(pk), EmailMessage(one_line(titles[event]), text, to=[address])


def mail_owners(organization: Organization, event: str, context: dict[str, object]) -> Mailed:
    """Each of them, whoever of the others can't be: an address may be missing, wrong or refused."""
    count, missed = 0, list[str]()
    for owner, mail in draft_mails(organization, event, context):
        try:
            sent = mail.send()
        except (OSError, ValueError):
            log.warning("owner not mailed", organization=str(organization.pk), exc_info=True)
            sent = 0
        count += bool(sent)
        missed += [] if sent else [owner]
    return Mailed(count, missed)


def remind(ending: OrganizationEnding) -> None:
    """Mail the owners once more, and write that down. The caller has its lease.

    Who could not be reminded in time, as no worker ran, has a whole day from then on: the end is
    moved. One who could not be mailed when others were is not tried again: those would get it each
    time. Does nothing where that is done, or the wait is so short that they were just mailed.

    Raises `EndRefused` when none could be mailed; the next turn tries again, and the end moves
    along for `REMINDING_TRIED_FOR`. Then it comes all the same.
    """
    is_short = ending.ends_at - ending.asked_at <= REMINDED_BEFORE
    organization = Organization.objects.filter(pk=ending.pk, ends_at__isnull=False).first()
    if ending.reminded_at or ending.reminders or is_short or organization is None:
        return
    now, planned = clock.now(), ending.ends_at
    ending.ends_at = max(planned, now + REMINDED_BEFORE)
    told = mail_owners(organization, "reminded", {"ending": ending})
    if told.mailed or not told.not_mailed:
        record_reminders(ending, "organization.end_reminded", told, at=now)
        return
    since = ending.unmailed_since or now
    last = since + REMINDING_TRIED_FOR
    ending.ends_at = max(planned, min(ending.ends_at, last))
    if now >= last:
        record_reminders(ending, "organization.end_not_reminded", told, at=None)
        return
    move_end(ending, unmailed_since=since)
    raise EndRefused(
        f"No owner of {organization} could be mailed that it ends. Check the mail settings of this "
        f"server: it is tried again every 10 minutes until {last:%-d %b %Y, %H:%M} UTC, then it "
        "ends all the same."
    )


def record_reminders(
    ending: OrganizationEnding, action: str, told: Mailed, *, at: datetime | None
) -> None:
    """Nobody is mailed again. `at` is when they were, `None` when none could be."""
    reminders = told._asdict()
    with transaction.atomic():
        organization = move_end(ending, reminded_at=at, unmailed_since=None, reminders=reminders)
        if organization:
            ends_at = ending.ends_at.isoformat()
            record_change(organization, action, None, ends_at=ends_at, **reminders)


@transaction.atomic
def move_end(ending: OrganizationEnding, **written: object) -> Organization | None:
    """Store when it ends, and `written`. `None`, with nothing done, when it was undone."""
    # The lock of `undo()`.
    locked = Organization.objects.select_for_update().filter(pk=ending.pk).first()
    waiting = leases.still_mine(ending).filter(step=EndingStep.WAITING)
    if not locked or not waiting.update(ends_at=ending.ends_at, **written):
        return None
    if locked.ends_at != ending.ends_at:
        show_end(locked, ending)
    return locked


def unmailed_since() -> datetime | None:
    """Since when owners of an organization that ends can't be reminded. None: all could be."""
    rows = OrganizationEnding.objects.filter(unmailed_since__isnull=False)
    return rows.order_by("unmailed_since").values_list("unmailed_since", flat=True).first()


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
