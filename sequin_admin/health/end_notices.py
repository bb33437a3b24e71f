"""The worker's job that tells of what ends: access, secrets, keys, links, invitations and changes
at providers. Each notice is posted once, and what falls due together in one message.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import models, transaction

from sequin_admin.access.models import ApiKey, Invitation, Organization
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.core.chunks import chunked
from sequin_admin.core.words import format_day
from sequin_admin.credentials.ends import EARLY, LAST, STATUS, capped, step_due
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.health import ends, expiry_notices, provider_changes
from sequin_admin.health.expiry import Expiring
from sequin_admin.health.expiry_notices import DueNotice, claim_notices
from sequin_admin.notifications import outbox
from sequin_admin.notifications.message import Message, Severity


@dataclass(frozen=True)
class EndAnnouncement:
    """How the end of a sort of thing is announced: `ends` and `began` are its columns."""

    what: Expiring
    type: str
    ends: str
    began: str
    # Of one, and of several.
    nouns: tuple[str, str]
    then: str
    severity: Severity
    earliest: timedelta = EARLY

    def ending_of(self, row: models.Model) -> "AnnouncedEnd":
        organization_id, ends_at, began_at = (
            getattr(row, name) for name in ("organization_id", self.ends, self.began)
        )
        name = lower_first(str(row)) if self is LINK else getattr(row, "name", "") or str(row)
        return AnnouncedEnd(organization_id, str(row.pk), name, ends_at, ends_at - began_at)


@dataclass(frozen=True)
class AnnouncedEnd:
    """One row that ends. `name` stands within a sentence that begins with what it is."""

    organization_id: UUID
    id: str
    name: str
    ends_at: datetime
    life: timedelta

    def __str__(self) -> str:
        return self.name

    def step(self, now: datetime) -> timedelta | None:
        """The step whose notice is due. Nobody can act on the end of what was made for a day."""
        is_brief = capped(LAST, self.life) < LAST
        return None if is_brief else step_due(self.ends_at - now, self.life)


APP = EndAnnouncement(
    Expiring.OAUTH_APP,
    "oauth_app.secret_ends",
    "secret_ends_at",
    "secrets_changed_at",
    ("The client secret of the OAuth app", "The client secrets of OAuth apps"),
    "From then on no token can be renewed through it.",
    Severity.CRITICAL,
)
KEY = EndAnnouncement(
    Expiring.API_KEY,
    "api_key.ends",
    "expires_at",
    "created_at",
    ("The API key", "API keys"),
    "From then on calls with it are refused.",
    Severity.CRITICAL,
)
LINK = EndAnnouncement(
    Expiring.CONNECT_LINK,
    "connect_link.ends",
    "expires_at",
    "created_at",
    ("The unused", "Unused connect links"),
    "From then on it connects nothing.",
    Severity.WARNING,
    LAST,
)
INVITATION = EndAnnouncement(
    Expiring.INVITATION,
    "invitation.ends",
    "expires_at",
    "sent_at",
    ("The invitation of", "Invitations"),
    "From then on it can't be accepted.",
    Severity.WARNING,
    LAST,
)


def notify_ends() -> int:
    """Post all due messages about ends. Returns of how many."""
    count = ends.notify_credentials() + provider_changes.notify_changes()
    now = clock.now()
    for announced, rows in (
        (APP, OAuthApp.objects.defer("secrets")),
        (KEY, ApiKey.objects.usable(now)),
        (LINK, ConnectLink.objects.open(now).select_related("reconnects").defer("secrets")),
        (INVITATION, Invitation.objects.open()),
    ):
        count += notify_of(announced, rows, now)
    expiry_notices.prune()
    return count


def notify_of(
    announced: EndAnnouncement, rows: models.QuerySet[models.Model], now: datetime
) -> int:
    """Post the messages about rows of one sort, in chunks. Returns of how many."""
    near = {f"{announced.ends}__gt": now, f"{announced.ends}__lte": now + announced.earliest}
    chunks = chunked(rows.filter(**near))
    return sum(post_chunk(announced, [*map(announced.ending_of, rows)], now) for rows in chunks)


@transaction.atomic
def post_chunk(announced: EndAnnouncement, endings: Sequence[AnnouncedEnd], now: datetime) -> int:
    wanted = [
        DueNotice(each.organization_id, announced.what, each.id, each.ends_at, step)
        for each in endings
        if (step := each.step(now))
    ]
    by_id = {each.id: each for each in endings}
    groups = defaultdict[tuple[UUID, timedelta], list[AnnouncedEnd]](list)
    due = claim_notices(wanted)
    for notice in due:
        groups[notice.organization_id, notice.step].append(by_id[notice.subject])
    owners = Organization.objects.in_bulk({organization_id for organization_id, _ in groups})
    outbox.post_all(
        [
            (owners[organization_id], build_message(announced, group, step))
            for (organization_id, step), group in groups.items()
        ]
    )
    return len(due)


def build_message(
    announced: EndAnnouncement, group: Sequence[AnnouncedEnd], step: timedelta
) -> Message:
    """One message for what ends of one sort in the same time."""
    first_at = min(each.ends_at for each in group)
    when = format_day(first_at)
    if len(group) == 1:
        title = f"{announced.nouns[0]} {group[0]} ends on {when}"
        text = f"{title}. {announced.then} {announced.what.to_do}"
    else:
        title = f"{len(group):,} {lower_first(announced.nouns[1])} end from {when}"
        text = f"{title}: {ends.name_some(group)}. {announced.what.to_do}"
    is_ours = announced.severity is Severity.CRITICAL
    return Message(
        type=announced.type,
        key=f"{announced.what}:{group[0].id}",
        severity=Severity.WARNING if is_ours and step > STATUS else announced.severity,
        title=title,
        text=text,
        action_url=f"{settings.PUBLIC_URL}/expiry/?what={announced.what}",
        action_label="See what to do",
        data={"ids": [each.id for each in group], "ends_at": first_at.isoformat()},
    )


def lower_first(text: str) -> str:
    return text if text.startswith("API") else text[:1].lower() + text[1:]
