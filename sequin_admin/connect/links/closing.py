"""Links that are closed: who may not use them, and the tokens that they lose."""

from datetime import timedelta

from django.db import models, transaction
from django.db.models import Q

from sequin_admin.connect.models import ConnectLink, LinkState
from sequin_admin.core import clock
from sequin_admin.core.words import format_time
from sequin_admin.notifications.events import record_and_notify

RETENTION = timedelta(days=90)


class LinkClosed(Exception):
    """The link can't be used. `str()` is the message for the customer."""


class LinkUsed(LinkClosed):
    """The account is connected already."""

    def __init__(self, link: ConnectLink) -> None:
        super().__init__("This link was used already: the account is connected.")
        self.link = link


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
        raise LinkClosed(reasons[link.state])


@transaction.atomic
def revoke(link: ConnectLink, *, actor: models.Model | None) -> bool:
    """Revoke the link. False when it was closed already."""
    now = clock.now()
    if not ConnectLink.objects.open(now).filter(pk=link.pk).update(revoked_at=now):
        return False
    forget_tokens(Q(pk=link.pk))
    record_and_notify(link, "connect_link.revoked", actor)
    return True


def forget_tokens(which: Q) -> None:
    """Delete the stored tokens of closed links."""
    for link in ConnectLink.objects.filter(which):
        if link.secrets:
            link.secrets = {}
            link.save(update_fields=["secrets"])


def prune() -> int:
    """Delete the tokens of expired links, and old links. Returns how many links."""
    now = clock.now()
    forget_tokens(Q(expires_at__lte=now, expires_at__gt=now - timedelta(days=1)))
    return ConnectLink.objects.filter(expires_at__lt=now - RETENTION).delete()[0]
