"""Creating, changing and deleting OAuth apps."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import transaction

from sequin_admin.access import former_secrets
from sequin_admin.access.former_secrets import Replaced
from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.fields import Secrets
from sequin_admin.credentials.kinds import AppProperties
from sequin_admin.credentials.models import FormerAppSecrets, OAuthApp
from sequin_admin.credentials.properties import unmasked
from sequin_admin.credentials.usage import refuse_if_used
from sequin_admin.notifications.events import record_and_notify

# RFC 6749 sections 3.1.2 (absolute, without fragment) and 3.3 (characters of a scope). A URI is
# printable ASCII (RFC 3986): other host names are encoded as xn--..., other characters as %....
# A code must not travel in the clear: http is for this machine only (RFC 8252 section 7.3).
REDIRECT_URI = (
    r"^(https://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)"
    r"|http://(localhost|127(\.\d{1,3}){3}|\[::1\]))(:\d{1,5})?([/?][\x21\x22\x24-\x7e]*)?$"
)
REDIRECT_URI_CHARS = 2000
MOST_RENEWALS_PER_SECOND = 1000
SCOPE = r"^[\x21\x23-\x5b\x5d-\x7e]+$"


class Kept(Enum):
    """Says that a column stays, where None is a value of its own."""

    AS_IT_IS = "as it is"


AS_IT_IS = Kept.AS_IT_IS


@transaction.atomic
def create(
    organization: Organization,
    provider: str,
    *,
    actor: AnyActor,
    name: str,
    client_id: str,
    properties: AppProperties,
    scopes: list[str] | None = None,
    redirect_uris: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
    renewals_per_second: int = 0,
    secret_ends_at: datetime | None = None,
) -> OAuthApp:
    """Raises `InvalidEntry` for a mask in place of a secret."""
    app = OAuthApp(
        organization=organization,
        provider=provider,
        name=name,
        client_id=client_id,
        properties=properties.public_values(),
        secrets=unmasked(properties.secret_values(), {}),
        scopes=scopes or [],
        redirect_uris=redirect_uris or [],
        metadata=metadata or {},
        renewals_per_second=renewals_per_second,
        secret_ends_at=secret_ends_at,
    )
    app.save()
    record_and_notify(app, "oauth_app.created", actor, provider=provider)
    return app


@transaction.atomic
def update(
    app: OAuthApp,
    *,
    actor: AnyActor,
    properties: AppProperties | None = None,
    secret_ends_at: datetime | Kept | None = AS_IT_IS,
    **columns: Any,
) -> None:
    """Change `name`, `scopes`, `redirect_uris`, `metadata`, `renewals_per_second`, the properties
    or when the secret ends: with a new secret the end of the former one is gone.

    A mask keeps the stored secret. A new one may fix failures, so all credentials of the app become
    due for a probe. Raises `InvalidEntry`.
    """
    # As it is now: what a mask keeps may have been replaced since it was read.
    app.refresh_from_db(from_queryset=OAuthApp.objects.select_for_update())
    changed = {n: v for n, v in columns.items() if v is not None and v != getattr(app, n)}
    for column, value in changed.items():
        setattr(app, column, value)
    names = sorted(changed)
    if properties:
        names += replace_properties(app, properties, actor)
    # The end was that of the former secret.
    kept = None if "client_secret" in names else app.secret_ends_at
    ends_at = kept if isinstance(secret_ends_at, Kept) else secret_ends_at
    if ends_at != app.secret_ends_at:
        app.secret_ends_at = ends_at
        names.append("secret_ends_at")
    if not names:
        return
    app.save()
    record_and_notify(app, "oauth_app.changed", actor, changed=names)


def replace_properties(app: OAuthApp, properties: AppProperties, actor: AnyActor) -> list[str]:
    """Set new properties. Returns the names of those that changed."""
    public = properties.public_values()
    secret = unmasked(properties.secret_values(), app.secrets)
    before: Mapping[str, object] = {**app.properties, **app.secrets}
    after = {**public, **secret}
    names = sorted(n for n in {*before, *after} if before.get(n) != after.get(n))
    if names:
        app.properties = public
        set_secrets(app, secret, actor)
    return names


def set_secrets(app: OAuthApp, secrets: Mapping[str, str], actor: AnyActor) -> None:
    """Set new secrets, and keep those that they replace. Does not save the app."""
    former = dict(app.secrets)
    if former != secrets:
        former_secrets.keep(FormerAppSecrets, [Replaced(app, former)], actor)
    app.secrets, app.secrets_changed_at = dict(secrets), clock.now()
    app.credentials.update(check_due_at=clock.now())


@transaction.atomic
def put_back(app: OAuthApp, pk: UUID, *, actor: AnyActor) -> None:
    """Let former secrets and the current ones change places. Raises `NotPutBack`."""
    app.refresh_from_db(from_queryset=OAuthApp.objects.select_for_update())
    former = former_secrets.take(FormerAppSecrets, app, pk)
    secrets = {**app.secrets, **former.secrets}
    former.delete()
    set_secrets(app, secrets, actor)
    # The end was that of the other secret.
    app.secret_ends_at = None
    app.save()
    record_and_notify(app, "oauth_app.secrets_put_back", actor, changed=former.names)


def reveal(app: OAuthApp, *, actor: AnyActor, purpose: str = "") -> dict[str, str]:
    """Return the secrets in plain text, after an audit event of who reads them and why."""
    secrets = Secrets(app.secrets)
    record_and_notify(app, "oauth_app.revealed", actor, purpose=purpose, secrets=sorted(secrets))
    return secrets


@transaction.atomic
def delete(app: OAuthApp, *, actor: AnyActor) -> None:
    """Delete the app. Raises `InUse` while it has credentials."""
    refuse_if_used(app)
    record_and_notify(app, "oauth_app.deleted", actor, provider=app.provider)
    app.delete()
