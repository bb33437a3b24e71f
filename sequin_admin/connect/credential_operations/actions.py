"""What is done to one stored credential: change its details, reveal, exchange, disable, enable."""

from typing import Any

from django.db import transaction

from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.fields import Secrets
from sequin_admin.core.wrapping import trim
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.signals import disabled
from sequin_admin.notifications.events import record_and_notify
from sequin_admin.tokens import chains, renewal


@transaction.atomic
def update_details(
    credential: Credential,
    *,
    actor: AnyActor,
    name: str | None = None,
    metadata: dict[str, Any] | None = None,
    contact_email: str | None = None,
) -> None:
    if contact_email is not None:
        contact_email = trim(contact_email)
    changes = {"name": name, "metadata": metadata, "contact_email": contact_email}
    changed = {n: v for n, v in changes.items() if v is not None and v != getattr(credential, n)}
    if not changed:
        return
    for field, value in changed.items():
        setattr(credential, field, value)
    credential.save(update_fields=[*changed, "updated_at"])
    record_and_notify(
        credential, "credential.changed", actor, kind=credential.kind, changed=sorted(changed)
    )


def reveal(credential: Credential, *, actor: AnyActor, purpose: str = "") -> dict[str, str]:
    """Return the secrets in plain text, after an audit event of who reads them and why.

    Raises `DecryptionError`, without an audit event.
    """
    secrets = Secrets(credential.secrets)
    with transaction.atomic():
        chains.remember_shown(credential, secrets)
        record_and_notify(
            credential,
            "credential.revealed",
            actor,
            kind=credential.kind,
            purpose=purpose,
            secrets=sorted(secrets),
        )
    return secrets


def exchange_token(credential: Credential, *, actor: AnyActor) -> None:
    """Exchange an old-format token for one that can be renewed. Raises `Refused`.

    Audited before the call: the old token may be invalid even when no response arrives.
    """
    record_and_notify(
        credential,
        "credential.token_exchange_begun",
        actor,
        kind=credential.kind,
        account=credential.describe(),
    )
    renewal.exchange(credential)


@transaction.atomic
def disable(credential: Credential, *, actor: AnyActor) -> None:
    """Stop using the credential: no probe, no refresh, no token for workers."""
    if Credential.objects.filter(pk=credential.pk, disabled_at=None).update(
        disabled_at=clock.now()
    ):
        credential.refresh_from_db(fields=["disabled_at"])
        disabled.send(sender=Credential, subject=credential)
        record_and_notify(credential, "credential.disabled", actor, kind=credential.kind)


@transaction.atomic
def enable(credential: Credential, *, actor: AnyActor) -> None:
    now = clock.now()
    rows = Credential.objects.filter(pk=credential.pk, disabled_at__isnull=False)
    if rows.update(disabled_at=None, check_due_at=now):
        credential.refresh_from_db(fields=["disabled_at", "check_due_at"])
        record_and_notify(credential, "credential.enabled", actor, kind=credential.kind)
