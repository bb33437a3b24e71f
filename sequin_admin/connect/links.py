"""Connect links: a customer without a login connects one account with a single-use URL.

The token is in the URL of the link's first page only. Opening it authorizes the browser session
for the link; the pages after it have the link's id in their URL.
"""

import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import cache, partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q

from sequin_admin.access.ceilings import CeilingReached, ceiling_message, find_room, full_message
from sequin_admin.access.keys import get_person
from sequin_admin.access.models import Organization
from sequin_admin.access.rights import refuse_lost_right
from sequin_admin.audit.models import Event, build_event, record_change
from sequin_admin.connect import credential_operations
from sequin_admin.connect.models import ConnectLink, LinkState
from sequin_admin.core import clock
from sequin_admin.core.words import format_time
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.credentials.properties import Properties
from sequin_admin.notifications import outbox
from sequin_admin.notifications.events import (
    message_of_change,
    notify_change,
    record_and_notify,
)
from sequin_admin.tokens import protocol

MAX_LIFETIME = timedelta(days=7)
MAX_TRIES = 30
CEILING = "MAX_CONNECT_LINKS"
RETENTION = timedelta(days=90)


class LinkClosed(Exception):
    """The link can't be used. `str()` is the message for the customer."""


class LinkUsed(LinkClosed):
    """The account is connected already."""

    def __init__(self, link: ConnectLink) -> None:
        super().__init__("This link was used already: the account is connected.")
        self.link = link


class BadLink(ValueError):
    """The arguments of a new link are invalid. `field` names the argument, `str()` says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class TooManyLinks(BadLink, CeilingReached):
    """The organization has as many open links as it may."""


def create(
    organization: Organization,
    offered: Sequence[type[Credential]],
    *,
    actor: models.Model | None,
    lasts: timedelta = MAX_LIFETIME,
    oauth_app: OAuthApp | None = None,
    name: str = "",
    metadata: dict[str, Any] | None = None,
    redirect_url: str = "",
    reconnects: Credential | None = None,
    batch: UUID | None = None,
) -> ConnectLink:
    """Create a link for one customer to connect one of the `offered` kinds. Raises `BadLink`."""
    link = build_link(
        organization,
        offered,
        actor=actor,
        lasts=lasts,
        oauth_app=oauth_app,
        name=name,
        metadata=metadata,
        redirect_url=redirect_url,
        reconnects=reconnects,
        batch=batch,
    )
    save_new(link, actor=actor)
    return link


def build_link(
    organization: Organization,
    offered: Sequence[Any],
    *,
    actor: models.Model | None,
    lasts: timedelta,
    oauth_app: OAuthApp | None = None,
    name: str = "",
    metadata: dict[str, Any] | None = None,
    redirect_url: str = "",
    reconnects: Credential | None = None,
    batch: UUID | None = None,
) -> ConnectLink:
    """As `create()`, but not saved."""
    refuse_bad(offered, lasts=lasts, oauth_app=oauth_app, redirect_url=redirect_url)
    token = secrets.token_urlsafe(32)
    return ConnectLink(
        organization=organization,
        provider=offered[0].provider,
        kinds=[kind.slug for kind in offered],
        oauth_app=oauth_app if any(kind.client_is_ours() for kind in offered) else None,
        reconnects=reconnects,
        name=name,
        metadata=metadata or {},
        redirect_url=redirect_url,
        batch=batch,
        token_digest=protocol.digest(token),
        secrets={"token": token},
        created_by=get_person(actor),
        expires_at=clock.now() + lasts,
    )


@transaction.atomic
def save_new(link: ConnectLink, *, actor: models.Model | None) -> None:
    """Raises `TooManyLinks`."""
    open_links = ConnectLink.objects.of(link.organization).open(clock.now())
    if message := ceiling_message(link.organization, open_links, CEILING):
        raise TooManyLinks("kinds", message)
    link.save()
    record_created(link.organization, [link], actor)


def record_created(
    organization: Organization, made: Sequence[ConnectLink], actor: models.Model | None
) -> None:
    """The audit events and the messages of new links."""
    action, events, messages = "connect_link.created", [], []
    for link in made:
        events.append(build_event(link, action, actor, kinds=link.kinds))
        messages.append(message_of_change(link, action, actor, kinds=link.kinds))
    Event.objects.bulk_create(events)
    outbox.post(organization, *filter(None, messages))


def refuse_bad(
    offered: Sequence[type[Credential]],
    *,
    lasts: timedelta,
    oauth_app: OAuthApp | None,
    redirect_url: str,
) -> None:
    """Raise `BadLink` for invalid arguments of `create()`."""
    if not offered or len({kind.provider for kind in offered}) > 1:
        raise BadLink("kinds", "Choose one or more kinds of one provider.")
    title = offered[0].provider_title
    if not timedelta() < lasts <= MAX_LIFETIME:
        raise BadLink("lasts", "A link lasts up to 7 days. Choose a shorter time.")
    needs_app = any(kind.client_is_ours() for kind in offered)
    if needs_app and (oauth_app is None or oauth_app.provider != offered[0].provider):
        reason = f"Choose the OAuth app at {title} that the customer connects through."
        raise BadLink("oauth_app", reason)
    if redirect_url and (oauth_app is None or redirect_url not in oauth_app.redirect_uris):
        raise BadLink(
            "redirect_url",
            "Customers are only sent on to an address that is registered on the OAuth app. "
            "Register it there first, or leave it empty.",
        )


@transaction.atomic
def create_reconnects(
    organization: Organization,
    credentials: Iterable[Credential],
    *,
    actor: models.Model | None,
    batch: UUID,
    lasts: timedelta = MAX_LIFETIME,
) -> tuple[list[ConnectLink], list[tuple[Credential, str]]]:
    """Create a reconnect link for each credential; returns links, and the others with a reason.

    Raises `RightLost`, with no link made, when the actor lost the right meanwhile.
    """
    room = find_room(organization, ConnectLink.objects.of(organization).open(clock.now()), CEILING)
    made: list[ConnectLink] = []
    skipped: list[tuple[Credential, str]] = []
    find_app = cache(partial(only_app_of, organization))
    for credential in credentials:
        app = credential.oauth_app
        if credential.client_is_ours() and not app:
            app = find_app(credential.provider)
        try:
            link = build_reconnect(
                organization, credential, app, actor=actor, lasts=lasts, batch=batch
            )
        except BadLink as reason:
            skipped.append((credential, str(reason)))
            continue
        if len(made) < room:
            made.append(link)
        else:
            skipped.append((credential, full_message(organization, CEILING)))
    ConnectLink.objects.bulk_create(made)
    record_created(organization, made, actor)
    refuse_lost_right(actor, organization)
    return made, skipped


def create_reconnect(
    organization: Organization,
    credential: Credential,
    *,
    actor: models.Model | None,
    lasts: timedelta = MAX_LIFETIME,
    batch: UUID | None = None,
) -> ConnectLink:
    """Create a link that reconnects `credential`. Raises `BadLink` when we must act instead."""
    app = credential.oauth_app or only_app_for(credential)
    link = build_reconnect(organization, credential, app, actor=actor, lasts=lasts, batch=batch)
    save_new(link, actor=actor)
    return link


def build_reconnect(
    organization: Organization,
    credential: Credential,
    app: OAuthApp | None,
    *,
    actor: models.Model | None,
    lasts: timedelta,
    batch: UUID | None,
) -> ConnectLink:
    """As `create_reconnect()`, but not saved."""
    if credential.health_status == "sequin_intervention":
        reason = f"{credential} waits for us, so its customer can't mend it."
        raise BadLink("reconnects", reason)
    return build_link(
        organization,
        [type(credential)],
        actor=actor,
        lasts=lasts,
        oauth_app=app,
        name=credential.name,
        reconnects=credential,
        batch=batch,
    )


def only_app_for(credential: Credential) -> OAuthApp | None:
    """The provider's only OAuth app, for an imported credential without one; else None."""
    needs_app = credential.client_is_ours()
    return only_app_of(credential.organization, credential.provider) if needs_app else None


def only_app_of(organization: Organization, provider: str) -> OAuthApp | None:
    """The provider's only OAuth app; None when there are more."""
    apps = OAuthApp.objects.of(organization).filter(provider=provider)[:2]
    return apps[0] if len(apps) == 1 else None


def address(link: ConnectLink) -> str:
    """The URL for the customer. Empty when the link is closed."""
    token = link.secrets.get("token", "") if link.is_open else ""
    return f"{settings.PUBLIC_URL}/link/connect/{token}" if token else ""


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
def record_opened(link: ConnectLink) -> None:
    """Set `opened_at` and notify, the first time only."""
    if ConnectLink.objects.filter(pk=link.pk, opened_at=None).update(opened_at=clock.now()):
        link.refresh_from_db(fields=["opened_at"])
        record_and_notify(link, "connect_link.opened", None)


def count_try(link: ConnectLink) -> None:
    """Count a try, so that a link can't be used to guess keys. Raises `LinkClosed`."""
    refuse_closed(link)
    fewer = ConnectLink.objects.filter(pk=link.pk, tries__lt=MAX_TRIES)
    if not fewer.update(tries=F("tries") + 1):
        raise LinkClosed(
            f"This link was tried {MAX_TRIES} times without success, so it is closed. "
            f"Ask {link.organization} for a new one."
        )


def submit_properties(link: ConnectLink, properties: Properties) -> Credential:
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
    with transaction.atomic():
        credential = (
            credential_operations.apply_replacement(existing, draft, actor=link).credential
            if existing
            else save_link_credential(link, draft)
        )
        complete(link, credential)
    return credential


def save_link_credential(link: ConnectLink, draft: Credential) -> Credential:
    return credential_operations.save_draft(
        draft, actor=link, name=link.name, metadata=link.metadata or None
    ).credential


def complete(link: ConnectLink, credential: Credential) -> None:
    """Complete the link in the transaction that saves its credential. Raises `LinkClosed`.

    Other open links that reconnect the same credential are revoked.
    """
    now = clock.now()
    mine = ConnectLink.objects.filter(pk=link.pk, completed_at=None, revoked_at=None)
    if not mine.update(completed_at=now, credential=credential, failure=""):
        link.refresh_from_db(fields=["completed_at", "revoked_at"])
        refuse_closed(link)
    same = ConnectLink.objects.open(now).filter(reconnects=credential)
    closed = [link.pk, *same.values_list("pk", flat=True)]
    same.update(revoked_at=now)
    forget_tokens(Q(pk__in=closed))
    link.credential = credential
    record_and_notify(link, "connect_link.completed", link, credential=str(credential.pk))


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


@transaction.atomic
def update_link(
    link: ConnectLink,
    *,
    actor: models.Model | None,
    name: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Change the name and metadata of the future credential. Raises `LinkClosed`."""
    refuse_closed(link)
    changes = {"name": name, "metadata": metadata}
    changed = {n: v for n, v in changes.items() if v is not None and v != getattr(link, n)}
    if not changed:
        return
    for column, value in changed.items():
        setattr(link, column, value)
    link.save(update_fields=[*changed])
    record_change(link, "connect_link.changed", actor, changed=sorted(changed))


def record_exported(
    organization: Organization, *, actor: models.Model | None, batch: UUID | None
) -> None:
    """Record an audit event of who exported the URLs of many links."""
    record_change(organization, "connect_link.exported", actor, batch=str(batch or ""))


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
