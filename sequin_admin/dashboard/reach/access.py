"""What actions on API keys, members and channels reach."""

from sequin_admin.access.models import ApiKey, CalendarFeed, Membership, Organization
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.dashboard.reach.model import IN_AUDIT_LOG, Reach, affected
from sequin_admin.notifications.models import Channel


def reach_of_revoking_key(key: ApiKey) -> Reach:
    used = key.last_used_at
    return Reach(
        stops=(
            "Every program that sends it is refused at its next request.",
            f"It was used last on {used:%d %b %Y, %H:%M} UTC." if used else "It was never used.",
            "Its former token too." if key.former_prefix else None,
        ),
        stays=("What was made with it, and its entries in the audit log.",),
    )


def reach_of_rotating_key(key: ApiKey) -> Reach:
    return Reach(
        stops=(
            "The current token, when the time that you choose here is over.",
            "The token from before the last rotation, now." if key.former_prefix else None,
        ),
        stays=("Its name, permissions, networks and expiry.",),
    )


def reach_of_removing_member(membership: Membership) -> Reach:
    now, organization = clock.now(), membership.organization
    keys = ApiKey.objects.of(organization).usable(now).filter(created_by=membership.user)
    links = ConnectLink.objects.of(organization).open(now).filter(created_by=membership.user)
    channels = Channel.objects.of(organization).enabled().filter(created_by=membership.user)
    on = "goes on working", "go on working"
    return Reach(
        stops=(
            f"Their access to {organization}, at once, on all their devices.",
            "The address of their calendar."
            if CalendarFeed.objects.filter(membership=membership.pk).exists()
            else None,
        ),
        stays=(
            affected(keys, *on),
            affected(links.defer("secrets").select_related("reconnects"), *on),
            affected(channels.defer("secrets"), *on),
            "Their account, and everything they did here. The next page revokes what they made in "
            "one step.",
        ),
    )


def reach_of_revoking_calendar(organization: Organization) -> Reach:
    return Reach(
        stops=("Your calendar program is told that there is no such calendar, at once.",),
        stays=(f"What ends at {organization} stays on the page Expiry.",),
    )


def reach_of_disabling_channel(channel: Channel) -> Reach:
    return Reach(
        stops=("Nothing is sent there until you enable it again.", waiting_in(channel)),
        stays=("Its address and secret, and the log of its deliveries.",),
    )


def reach_of_deleting_channel(channel: Channel) -> Reach:
    return Reach(
        stops=("Nothing is sent there any more.", waiting_in(channel)),
        stays=(IN_AUDIT_LOG, "The log of its deliveries does not stay."),
    )


def waiting_in(channel: Channel) -> str | None:
    count = channel.deliveries.pending().count()
    if not count:
        return None
    return (
        f"{count:,} message{'s that wait are' if count > 1 else ' that waits is'} not sent at all."
    )
