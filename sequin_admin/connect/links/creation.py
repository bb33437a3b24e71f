"""Create a link for one customer."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from sequin_admin.access.ceilings import CeilingReached, ceiling_message
from sequin_admin.access.keys import get_person
from sequin_admin.access.models import Organization
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.languages import LANGUAGES
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.notifications.events import record_and_notify
from sequin_admin.tokens import protocol

MAX_LIFETIME = timedelta(days=7)
CEILING = "MAX_CONNECT_LINKS"
CREATED = "connect_link.created"
ADDRESS_CHARS = 254


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
    actor: AnyActor,
    lasts: timedelta = MAX_LIFETIME,
    oauth_app: OAuthApp | None = None,
    name: str = "",
    metadata: dict[str, Any] | None = None,
    redirect_url: str = "",
    language: str = "",
    contact_email: str = "",
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
        language=language,
        contact_email=contact_email,
        reconnects=reconnects,
        batch=batch,
    )
    save_new(link, actor=actor)
    return link


def build_link(
    organization: Organization,
    offered: Sequence[type[Credential]],
    *,
    actor: AnyActor,
    lasts: timedelta,
    oauth_app: OAuthApp | None = None,
    name: str = "",
    metadata: dict[str, Any] | None = None,
    redirect_url: str = "",
    language: str = "",
    contact_email: str = "",
    reconnects: Credential | None = None,
    batch: UUID | None = None,
) -> ConnectLink:
    """As `create()`, but not saved."""
    refuse_bad(offered, lasts=lasts, oauth_app=oauth_app, redirect_url=redirect_url)
    refuse_bad_contact(language, contact_email)
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
        language=language,
        contact_email=contact_email,
        batch=batch,
        token_digest=protocol.digest(token),
        secrets={"token": token},
        created_by=get_person(actor),
        expires_at=clock.now() + lasts,
    )


@transaction.atomic
def save_new(link: ConnectLink, *, actor: AnyActor) -> None:
    """Raises `TooManyLinks`."""
    open_links = ConnectLink.objects.of(link.organization).open(clock.now())
    if message := ceiling_message(link.organization, open_links, CEILING):
        raise TooManyLinks("kinds", message)
    link.save()
    record_and_notify(link, CREATED, actor, kinds=link.kinds)


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


def refuse_bad_contact(language: str, contact_email: str) -> None:
    """Raise `BadLink` for a language that is not one of ours, or anything but one mail address."""
    if language and language not in LANGUAGES:
        raise BadLink("language", f"Choose one of {', '.join(LANGUAGES)}, or none: the browser's.")
    if not contact_email:
        return
    try:
        validate_email(contact_email)
    except ValidationError:
        raise BadLink("contact_email", "Enter one mail address.") from None
    if len(contact_email) > ADDRESS_CHARS:
        raise BadLink("contact_email", f"A mail address has at most {ADDRESS_CHARS} characters.")
