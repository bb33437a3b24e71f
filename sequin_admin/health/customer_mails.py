"""What customers are mailed when they must connect an account again, in their language."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import translation

from sequin_admin.access.branding import get_branding
from sequin_admin.access.models import Organization
from sequin_admin.connect import links
from sequin_admin.core.languages import ENGLISH, format_local_time
from sequin_admin.core.languages.sentences import say
from sequin_admin.core.words import format_time
from sequin_admin.credentials.models import Credential

TITLE = "Please connect your account again"
LET_IN_NO_MORE = (
    "{organization} works with data of your {provider} account {account}, and since {at} it is no "
    "longer let in. Please connect the account again: it takes a minute, and only you can do it."
)
ENDS_AT = (
    "{organization} works with data of your {provider} account {account}, and its access ends on "
    "{at}. Please connect the account again before: it takes a minute, and only you can do it."
)
CUSTOMER_TEXTS = (TITLE, LET_IN_NO_MORE, ENDS_AT)


@dataclass(frozen=True)
class CustomerNote:
    """What the contact of a credential is told: one of the texts above, and the time in it."""

    credential: Credential
    text: str
    at: datetime


def customer_fields(
    organization: Organization, notes: Sequence[CustomerNote]
) -> dict[UUID, dict[str, Any]]:
    """The fields of a `Message` for the customer, by credential, each with a new connect link.

    Of credentials of one organization; those without a contact are left out. The number of
    statements does not depend on theirs. Call it in a transaction.
    """
    reached = [note for note in notes if note.credential.contact_email]
    if not reached:
        return {}
    rows = [note.credential for note in reached]
    made, _ = links.create_reconnects(organization, rows, actor=None)
    urls = {link.reconnects_id: links.address(link) for link in made}
    language = get_branding(organization).language
    with translation.override(language):
        title = say(TITLE, {})
        return {
            note.credential.pk: {
                "to_customer": note.credential.contact_email,
                "customer_title": title,
                "customer_text": say(note.text, values_of(organization, note, language)),
                "customer_language": language,
                "customer_url": urls.get(note.credential.pk, ""),
            }
            for note in reached
        }


def values_of(organization: Organization, note: CustomerNote, language: str) -> dict[str, Any]:
    credential = note.credential
    return {
        "organization": organization,
        "provider": credential.provider_title,
        "account": credential.describe() or credential.name,
        "at": format_time(note.at) if language == ENGLISH else format_local_time(note.at),
    }
