"""The URL of a link, and what it says of the future credential."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import record_change
from sequin_admin.connect.links.closing import refuse_closed
from sequin_admin.connect.links.creation import BadLink, refuse_bad_contact
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core.actors import AnyActor

CONTACT_OF_CREDENTIAL = (
    "A link that reconnects is sent to the contact of its credential. Change it there."
)


def address(link: ConnectLink) -> str:
    """The URL for the customer. Empty when the link is closed."""
    token = link.secrets.get("token", "") if link.is_open else ""
    return f"{settings.PUBLIC_URL}/link/connect/{token}" if token else ""


@transaction.atomic
def update_link(
    link: ConnectLink,
    *,
    actor: AnyActor,
    name: str | None = None,
    metadata: dict[str, Any] | None = None,
    language: str | None = None,
    contact_email: str | None = None,
) -> None:
    """Change the name, metadata and contact of the future credential, and the customer's language.
    Raises `LinkClosed`, and `BadLink` for a contact that belongs to a credential."""
    refuse_closed(link)
    refuse_bad_contact(language or "", contact_email or "")
    if contact_email and link.reconnects_id:
        raise BadLink("contact_email", CONTACT_OF_CREDENTIAL)
    changes = {
        "name": name,
        "metadata": metadata,
        "language": language,
        "contact_email": contact_email,
    }
    changed = {n: v for n, v in changes.items() if v is not None and v != getattr(link, n)}
    if not changed:
        return
    for column, value in changed.items():
        setattr(link, column, value)
    link.save(update_fields=[*changed])
    record_change(link, "connect_link.changed", actor, changed=sorted(changed))


def record_exported(organization: Organization, *, actor: AnyActor, batch: UUID | None) -> None:
    """Record an audit event of who exported the URLs of many links."""
    record_change(organization, "connect_link.exported", actor, batch=str(batch or ""))
