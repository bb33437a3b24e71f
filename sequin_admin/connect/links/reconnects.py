"""Links that reconnect a stored credential."""

from collections.abc import Iterable
from datetime import timedelta
from functools import cache, partial
from uuid import UUID

from django.db import transaction

from sequin_admin.access.ceilings import find_room, full_message
from sequin_admin.access.models import Organization
from sequin_admin.access.rights import refuse_lost_right
from sequin_admin.connect.links.creation import (
    CEILING,
    CREATED,
    MAX_LIFETIME,
    BadLink,
    build_link,
    save_new,
)
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.notifications.events import record_and_notify_many


@transaction.atomic
def create_reconnects(
    organization: Organization,
    credentials: Iterable[Credential],
    *,
    actor: AnyActor,
    batch: UUID | None = None,
    lasts: timedelta = MAX_LIFETIME,
    language: str = "",
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
                organization,
                credential,
                app,
                actor=actor,
                lasts=lasts,
                language=language,
                batch=batch,
            )
        except BadLink as reason:
            skipped.append((credential, str(reason)))
            continue
        if len(made) < room:
            made.append(link)
        else:
            skipped.append((credential, full_message(organization, CEILING)))
    ConnectLink.objects.bulk_create(made)
    created = ((link, CREATED, {"kinds": link.kinds}) for link in made)
    record_and_notify_many(organization, created, actor)
    refuse_lost_right(actor, organization)
    return made, skipped


def create_reconnect(
    organization: Organization,
    credential: Credential,
    *,
    actor: AnyActor,
    lasts: timedelta = MAX_LIFETIME,
    language: str = "",
    batch: UUID | None = None,
) -> ConnectLink:
    """Create a link that reconnects `credential`. Raises `BadLink` when we must act instead."""
    app = credential.oauth_app or only_app_for(credential)
    link = build_reconnect(
        organization, credential, app, actor=actor, lasts=lasts, language=language, batch=batch
    )
    save_new(link, actor=actor)
    return link


def build_reconnect(
    organization: Organization,
    credential: Credential,
    app: OAuthApp | None,
    *,
    actor: AnyActor,
    lasts: timedelta,
    language: str,
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
        language=language,
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
