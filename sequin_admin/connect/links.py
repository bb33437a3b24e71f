"""Connect links: how a customer without a login connects an account, once.

The token is in the address of the link's first page only. Opening that gives the browser session
the right to the link, and every page after it has the link's id in its address.
"""

import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q

from sequin_admin.access.models import Organization, User
from sequin_admin.audit.models import record_change
from sequin_admin.connect import credential_operations
from sequin_admin.connect.models import ConnectLink, LinkState
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.credentials.properties import Properties
from sequin_admin.notifications import events
from sequin_admin.tokens import protocol

LONGEST = timedelta(days=7)
MOST_TRIES = 30
KEPT_FOR = timedelta(days=90)


class LinkClosed(Exception):
    """The link can't be used. `str()` tells the customer why, and what to do."""


class BadLink(ValueError):
    """What was asked for makes no link. `field` names the argument at fault, `str()` says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def create(
    organization: Organization,
    offered: Sequence[Any],
    *,
    actor: models.Model | None,
    lasts: timedelta = LONGEST,
    oauth_app: OAuthApp | None = None,
    name: str = "",
    metadata: dict[str, Any] | None = None,
    redirect_url: str = "",
    reconnects: Credential | None = None,
    batch: UUID | None = None,
) -> ConnectLink:
    """A link for one customer, who may choose among the `offered` kinds. Raises `BadLink`."""
    refuse_bad(offered, lasts=lasts, oauth_app=oauth_app, redirect_url=redirect_url)
    token = secrets.token_urlsafe(32)
    link = ConnectLink(
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
        created_by=actor if isinstance(actor, User) else None,
        expires_at=clock.now() + lasts,
    )
    with transaction.atomic():
        link.save()
        record_link_change("connect_link.created", link, actor, kinds=link.kinds)
    return link


def refuse_bad(
    offered: Sequence[Any], *, lasts: timedelta, oauth_app: OAuthApp | None, redirect_url: str
) -> None:
    """Raises `BadLink` for what no customer could use, or should."""
    if not offered or len({kind.provider for kind in offered}) > 1:
        raise BadLink("kinds", "Choose one or more kinds of one provider.")
    title = offered[0].provider_title
    if not timedelta() < lasts <= LONGEST:
        raise BadLink("lasts", "A link lasts up to 7 days. Choose a shorter time.")
    needs_app = any(kind.client_is_ours() for kind in offered)
    if needs_app and (oauth_app is None or oauth_app.provider != offered[0].provider):
        said = f"Choose the OAuth app at {title} that the customer connects through."
        raise BadLink("oauth_app", said)
    if redirect_url and (oauth_app is None or redirect_url not in oauth_app.redirect_uris):
        raise BadLink(
            "redirect_url",
            "Customers are only sent on to an address that is registered on the OAuth app. "
            "Register it there first, or leave it empty.",
        )


def create_reconnects(
    organization: Organization,
    credentials: Iterable[Credential],
    *,
    actor: models.Model | None,
    batch: UUID,
    lasts: timedelta = LONGEST,
) -> tuple[list[ConnectLink], list[tuple[Credential, str]]]:
    """A link for each credential whose customer must act, and the others with the reason."""
    made, left_out = [], []
    for credential in credentials:
        try:
            link = create_reconnect(organization, credential, actor=actor, lasts=lasts, batch=batch)
            made.append(link)
        except BadLink as reason:
            left_out.append((credential, str(reason)))
    return made, left_out


def create_reconnect(
    organization: Organization,
    credential: Credential,
    *,
    actor: models.Model | None,
    lasts: timedelta = LONGEST,
    batch: UUID | None = None,
) -> ConnectLink:
    """A link that reconnects `credential`. Raises `BadLink` when that would not help."""
    if credential.health_status == "sequin_intervention":
        said = f"{credential} waits for us, so its customer can't mend it."
        raise BadLink("reconnects", said)
    app = credential.oauth_app or only_app_for(credential)
    return create(
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
    """For an imported credential without an app: the one of its provider, if there is just one."""
    apps = OAuthApp.objects.of(credential.organization).filter(provider=credential.provider)[:2]
    return apps[0] if credential.client_is_ours() and len(apps) == 1 else None


def address(link: ConnectLink) -> str:
    """What the customer is sent. Empty when the link is over: then nobody needs it."""
    token = link.secrets.get("token", "") if link.is_open else ""
    return f"{settings.PUBLIC_URL}/link/connect/{token}" if token else ""


def find(token: str) -> ConnectLink:
    """The open link of a token. Raises `Closed`."""
    rows = ConnectLink.objects.with_who_asks()
    link = rows.filter(token_digest=protocol.digest(token)).first()
    if link is None:
        raise LinkClosed(
            "This link is not one of ours. Check that you copied all of it, or ask whoever sent it "
            "for a new one."
        )
    refuse_closed(link)
    return link


def refuse_closed(link: ConnectLink) -> None:
    """Raises `Closed` when the link is over, whatever the reason."""
    whom = f"Ask {link.organization} for a new one if you need it."
    reasons = {
        LinkState.COMPLETED: "This link was used already: the account is connected.",
        LinkState.REVOKED: f"This link was withdrawn. {whom}",
        LinkState.EXPIRED: f"This link ended on {link.expires_at:%-d %B %Y, %H:%M} UTC. {whom}",
    }
    if link.state in reasons:
        raise LinkClosed(reasons[link.state])


@transaction.atomic
def record_opened(link: ConnectLink) -> None:
    """The customer sees it. Only the first time counts."""
    if ConnectLink.objects.filter(pk=link.pk, opened_at=None).update(opened_at=clock.now()):
        link.refresh_from_db(fields=["opened_at"])
        record_link_change("connect_link.opened", link, None)


def count_try(link: ConnectLink) -> None:
    """Whoever has a link must not use it to guess keys. Raises `Closed` after many tries."""
    refuse_closed(link)
    fewer = ConnectLink.objects.filter(pk=link.pk, tries__lt=MOST_TRIES)
    if not fewer.update(tries=F("tries") + 1):
        raise LinkClosed(
            f"This link was tried {MOST_TRIES} times without success, so it is closed. "
            f"Ask {link.organization} for a new one."
        )


def enter(link: ConnectLink, properties: Properties) -> Credential:
    """What a customer typed into the form of a key or password: tried, stored, link completed.

    Raises `Refused` when the provider does not take it, `OtherAccount` and `Closed`. Nothing is
    stored then.
    """
    count_try(link)
    again = link.reconnects
    draft = (
        credential_operations.replacement_of(again, properties)
        if again
        else credential_operations.draft_of(link.organization, properties)
    )
    outcome = credential_operations.probe_draft(draft)
    if outcome.verdict is Verdict.CUSTOMER:
        fail(link, outcome.sentence)
        raise Refused(outcome)
    with transaction.atomic():
        credential = (
            credential_operations.apply_replacement(again, draft, actor=link)
            if again
            else store_credential(link, draft)
        )
        complete(link, credential)
    return credential


def store_credential(link: ConnectLink, draft: Credential) -> Credential:
    credential, _ = credential_operations.save_draft(
        draft, actor=link, name=link.name, metadata=link.metadata or None
    )
    return credential


def complete(link: ConnectLink, credential: Credential) -> None:
    """Spend the link, in the transaction that stores what came of it. Raises `Closed`.

    Other links for the same credential have nothing left to do.
    """
    now = clock.now()
    mine = ConnectLink.objects.filter(pk=link.pk, completed_at=None, revoked_at=None)
    if not mine.update(completed_at=now, credential=credential, failure=""):
        link.refresh_from_db(fields=["completed_at", "revoked_at"])
        refuse_closed(link)
    same = ConnectLink.objects.open(now).filter(reconnects=credential)
    over = [link.pk, *same.values_list("pk", flat=True)]
    same.update(revoked_at=now)
    forget_tokens(Q(pk__in=over))
    link.credential = credential
    record_link_change("connect_link.completed", link, link, credential=str(credential.pk))


@transaction.atomic
def fail(link: ConnectLink, reason: str) -> None:
    """Keep for the operator why the customer did not get through. The link stays open."""
    link.failure, link.failed_at = reason[:500], clock.now()
    link.save(update_fields=["failure", "failed_at"])
    tell("connect_link.failed", link, link, text=f"{link.failure} The link can be used again.")


@transaction.atomic
def change(
    link: ConnectLink,
    *,
    actor: models.Model | None,
    name: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """What the credential to come will be called and carry. Raises `Closed` when it is over."""
    refuse_closed(link)
    changes = {"name": name, "metadata": metadata}
    changed = {n: v for n, v in changes.items() if v is not None and v != getattr(link, n)}
    if not changed:
        return
    for column, value in changed.items():
        setattr(link, column, value)
    link.save(update_fields=[*changed])
    record_change(
        "connect_link.changed",
        actor=actor,
        target=link,
        organization_id=link.organization_id,
        changed=sorted(changed),
    )


def record_exported(
    organization: Organization, *, actor: models.Model | None, batch: UUID | None
) -> None:
    """Who took the addresses of many links at once."""
    record_change(
        "connect_link.exported",
        actor=actor,
        target=organization,
        organization_id=organization.pk,
        batch=str(batch or ""),
    )


@transaction.atomic
def revoke(link: ConnectLink, *, actor: models.Model | None) -> bool:
    """Withdraw the link. False when it was over already."""
    now = clock.now()
    if not ConnectLink.objects.open(now).filter(pk=link.pk).update(revoked_at=now):
        return False
    forget_tokens(Q(pk=link.pk))
    record_link_change("connect_link.revoked", link, actor)
    return True


def forget_tokens(which: Q) -> None:
    """Nobody needs the token of a link that is over."""
    for link in ConnectLink.objects.filter(which):
        if link.secrets:
            link.secrets = {}
            link.save(update_fields=["secrets"])


def prune() -> int:
    """Forget the tokens of expired links, and links that were made long ago. Returns how many."""
    now = clock.now()
    forget_tokens(Q(expires_at__lte=now, expires_at__gt=now - timedelta(days=1)))
    return ConnectLink.objects.filter(expires_at__lt=now - KEPT_FOR).delete()[0]


def record_link_change(
    action: str, link: ConnectLink, actor: models.Model | None, **details: Any
) -> None:
    """Write it into the audit log, and tell whoever wants to know."""
    record_change(action, actor=actor, target=link, organization_id=link.organization_id, **details)
    tell(action, link, actor)


def tell(type_: str, link: ConnectLink, actor: models.Model | None, text: str = "") -> None:
    connected = link.credential_id or link.reconnects_id
    events.notify(
        type_,
        link,
        actor=actor,
        path=f"/connect-links/{link.pk}/",
        text=text,
        provider=link.provider,
        kinds=link.kinds,
        credential_id=str(connected) if connected else None,
        metadata=link.metadata,
    )
