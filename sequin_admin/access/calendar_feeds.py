"""Make, find and revoke the address of a member's calendar of what will end.

The address works without a login, so it is asked each time whether its member may still have one.
"""

import secrets

from django.db import transaction
from django.db.models import F

from sequin_admin.access.models import CalendarFeed, Membership, digest
from sequin_admin.access.policy import Action, allows
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor

# Who may have one. A viewer has no access that outlasts their session.
ACTION = Action.EDIT
READS_PER_MINUTE, MINUTE_S = 20, 60


class FeedRefused(Exception):
    """There can be no address. `str()` is a sentence."""


def get_feed(membership: Membership) -> CalendarFeed | None:
    return CalendarFeed.objects.filter(membership=membership.pk).first()


@transaction.atomic
def make_feed(membership: Membership, *, actor: AnyActor) -> tuple[CalendarFeed, str]:
    """A new address and its token, of which only the hash is stored. A former one ends at once.

    Raises `FeedRefused`.
    """
    row = Membership.objects.select_for_update().filter(pk=membership.pk).first()
    if row is None or not allows(row.role, ACTION):
        raise FeedRefused(
            "Only members of the organization have a calendar, from the role member on. Ask an "
            "owner to invite you, or to change your role."
        )
    token = secrets.token_urlsafe(32)
    feed, is_new = CalendarFeed.objects.update_or_create(
        membership=row,
        defaults={"digest": digest(token), "made_at": clock.now(), "last_used_at": None},
    )
    record_change(feed, "calendar_feed.created" if is_new else "calendar_feed.rotated", actor)
    return feed, token


@transaction.atomic
def revoke_feed(membership: Membership, *, actor: AnyActor) -> bool:
    """End the address of this member. Returns whether there was one."""
    rows = CalendarFeed.objects.select_for_update().filter(membership=membership.pk)
    feed = rows.select_related("membership__user").first()
    if feed is None:
        return False
    record_change(feed, "calendar_feed.revoked", actor)
    feed.delete()
    return True


def find_feed(token: str) -> CalendarFeed | None:
    """The feed with this token, while its person is an active member who may have one."""
    rows = CalendarFeed.objects.filter(digest=digest(token), membership__user__is_active=True)
    feed = rows.select_related("membership__organization", "membership__user").first()
    return feed if feed and allows(feed.membership.role, ACTION) else None


def count_read(feed: CalendarFeed) -> float:
    """Count one read. Returns for how many seconds to wait when there were too many, else 0."""
    now = clock.now()
    minute = int(now.timestamp()) // MINUTE_S
    rows = CalendarFeed.objects.filter(pk=feed.pk)
    if rows.exclude(minute=minute).update(minute=minute, reads=1, last_used_at=now):
        return 0
    more = rows.filter(reads__lt=READS_PER_MINUTE).update(reads=F("reads") + 1)
    return 0 if more else (minute + 1) * MINUTE_S - now.timestamp()
