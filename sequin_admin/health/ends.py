"""Notices of the end of access that renewing does not move: 30, 7 and 1 days before.

None comes earlier than half the life of the access. At 7 days the status changes and the incident
is the notice; the others are messages of their own. Ends that renewing moves are never near, as the
worker renews every token when its access token ends, read or not.
"""

from datetime import datetime, timedelta

from sequin_admin.core import clock
from sequin_admin.core.words import format_day, format_time
from sequin_admin.credentials.models import Credential
from sequin_admin.health import alerts
from sequin_admin.health.models import EndNotice
from sequin_admin.notifications import outbox
from sequin_admin.notifications.message import Message, Severity

DAY = timedelta(days=1)
EARLY, STATUS, LAST = 30 * DAY, 7 * DAY, DAY
TYPE = "credential.access_ends"


def changes_status(credential: Credential, ends_at: datetime) -> bool:
    """Whether the end is so near that the customer must act."""
    return ends_at - clock.now() <= capped(STATUS, credential)


def capped(before: timedelta, credential: Credential) -> timedelta:
    """A time before the end, at most half the life of the access."""
    life = credential.access_life()
    return min(before, life / 2) if life else before


def notify_end(credential: Credential) -> None:
    """Post the notice that is due, once for each end. Call it in a transaction."""
    ends_at = credential.access_ends_at()
    before = notice_due(credential, ends_at) if ends_at else None
    if ends_at is None or before is None:
        return
    known = EndNotice.objects.filter(credential=credential).first()
    # An end that is told in seconds from now differs a little each time.
    if known and abs(known.ends_at - ends_at) < DAY and known.before <= before:
        return
    EndNotice.objects.update_or_create(
        credential=credential, defaults={"ends_at": ends_at, "before": before}
    )
    outbox.post(credential.organization, build_message(credential, ends_at))


def notice_due(credential: Credential, ends_at: datetime) -> timedelta | None:
    """Which of the messages of their own is due: its time before the end. None for none."""
    left = ends_at - clock.now()
    if timedelta() < left <= capped(LAST, credential):
        return LAST
    is_early = capped(STATUS, credential) < left <= capped(EARLY, credential)
    return EARLY if is_early else None


def build_message(credential: Credential, ends_at: datetime) -> Message:
    when = format_time(ends_at)
    text = (
        f"All access to {credential.provider_title} ends on {when} at the latest, and renewing "
        "does not move that. The customer must connect the account again before."
    )
    return Message(
        type=TYPE,
        key=f"credential:{credential.pk}",
        severity=Severity.WARNING,
        title=f"{credential}: access ends on {format_day(ends_at)}",
        text=text,
        action_url=alerts.health_url(credential.entity, credential.pk),
        action_label="See what to do",
        data={
            "id": str(credential.pk),
            "name": str(credential),
            "provider": credential.provider,
            "ends_at": ends_at.isoformat(),
        },
        **alerts.customer_fields(
            credential, alerts.ending_text(credential.organization, credential, ends_at)
        ),
    )
