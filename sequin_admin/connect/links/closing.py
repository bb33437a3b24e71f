"""Links that are closed: who may not use them, and the tokens that they lose."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import models, transaction

from sequin_admin.access import endings
from sequin_admin.access.models import Organization
from sequin_admin.connect.models import ConnectLink, LinkState
from sequin_admin.core import clock, pruning
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.chunks import chunked
from sequin_admin.core.words import format_time
from sequin_admin.notifications.events import record_and_notify_many
from sequin_admin.notifications.models import Delivery

REVOKED = "connect_link.revoked"


class LinkClosed(Exception):
    """The link can't be used. `str()` is the message for the customer. `link` is None when there
    is none of this address."""

    def __init__(self, message: str, link: ConnectLink | None = None) -> None:
        super().__init__(message)
        self.link = link


class LinkUsed(LinkClosed):
    """The account is connected already."""

    def __init__(self, link: ConnectLink) -> None:
        super().__init__("This link was used already: the account is connected.", link)


def refuse_closed(link: ConnectLink) -> None:
    """Raise `LinkUsed` when the link is completed, `LinkClosed` when it is revoked or expired."""
    if link.state is LinkState.COMPLETED:
        raise LinkUsed(link)
    whom = f"Ask {link.organization} for a new one if you need it."
    reasons = {
        LinkState.REVOKED: f"This link was withdrawn. {whom}",
        LinkState.EXPIRED: f"This link ended on {format_time(link.expires_at)}. {whom}",
    }
    if link.state in reasons:
        raise LinkClosed(reasons[link.state], link)
    refuse_ending(link)


def refuse_ending(link: ConnectLink) -> None:
    """Raise `LinkClosed` when the organization is about to be erased."""
    if endings.is_ending(link.organization):
        raise LinkClosed(f"{link.organization} connects no accounts any more.", link)


def revoke(link: ConnectLink, *, actor: AnyActor) -> bool:
    """Revoke the link. False when it was closed already."""
    return revoke_many(link.organization, [link], actor=actor) == 1


@transaction.atomic
def revoke_many(
    organization: Organization, links: Sequence[ConnectLink], *, actor: AnyActor
) -> int:
    """Revoke links of the organization. Returns how many of them were open."""
    now = clock.now()
    rows = ConnectLink.objects.open(now).filter(pk__in=[link.pk for link in links])
    open_ids = set(rows.order_by("pk").select_for_update().values_list("pk", flat=True))
    revoked = ConnectLink.objects.filter(pk__in=open_ids)
    revoked.update(revoked_at=now)
    forget_tokens(revoked)
    closed = (link for link in links if link.pk in open_ids)
    record_and_notify_many(organization, ((link, REVOKED, {}) for link in closed), actor)
    return len(open_ids)


def forget_tokens(closed: models.QuerySet[ConnectLink]) -> None:
    """Delete the stored tokens of closed links; mails with them that wait are not sent any more."""
    waiting = Delivery.objects.pending().filter(link_mail__link__in=closed.order_by().values("pk"))
    waiting.update(ends_at=clock.now(), next_try_at=clock.now())
    for links in chunked(closed):
        having = [link for link in links if link.secrets]
        for link in having:
            link.secrets = {}
        ConnectLink.objects.bulk_update(having, ["secrets"])


def prune() -> int:
    """Delete the tokens of expired links, and old links. Returns how many links."""
    now = clock.now()
    day = ConnectLink.objects.filter(expires_at__lte=now, expires_at__gt=now - timedelta(days=1))
    forget_tokens(day)
    before = pruning.cutoff("KEEP_CONNECT_LINKS_DAYS")
    return pruning.prune(ConnectLink.objects.filter(expires_at__lt=before), by="expires_at")
