"""Validation of syncs, streams and targets. Every check raises `ValidationError`. Pure."""

import re
from collections.abc import Iterable

from django.core.exceptions import ValidationError

from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits.models import RateLimit

FREQUENCY = r"^(continuous|[1-9][0-9]{0,3}[mhd])$"
# Those that a form offers, in words.
FREQUENCIES = {
    "continuous": "All the time",
    "15m": "Every 15 minutes",
    "1h": "Every hour",
    "4h": "Every 4 hours",
    "1d": "Every day",
}
FREQUENCY_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
# Control characters are listed, as languages differ in what `\s` matches.
COLLECTION_ID = r"^[a-z0-9_]+:[^\s:/?#\x00-\x1f\x7f-\x9f]{1,200}$"
# A host name or address, but not libpq's lists of hosts (`a,b`) or sockets (`/tmp`, `@name`).
HOST = r"^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?$|^[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*$"
SLUG = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
MOST_COLLECTIONS = 1000
LONGEST_AGE_DAYS = 36_500


def check_slug(slug: str) -> None:
    """Raises `ValidationError` for what is no slug."""
    if not re.fullmatch(SLUG, slug):
        raise ValidationError(
            {
                "slug": "Use lowercase letters, digits and dashes, and begin and end with a letter "
                "or a digit: prod, or billing-dev."
            }
        )


def check_collections(collection_ids: Iterable[str], provider: str) -> None:
    """Raises `ValidationError` for too many ids, or one that is none of the provider's."""
    for number, collection_id in enumerate(collection_ids):
        if number >= MOST_COLLECTIONS:
            raise ValidationError(f"A sync has {MOST_COLLECTIONS:,} collections at the most.")
        if not re.fullmatch(COLLECTION_ID, collection_id):
            raise ValidationError(
                f"{collection_id[:100]} is not the id of a collection: it is written "
                f"{provider}:name, as the list of the credential's collections shows it."
            )
        if collection_id.partition(":")[0] != provider:
            raise ValidationError(
                f"{collection_id[:100]} is a collection of another provider. This sync's ids "
                f"begin with {provider}:."
            )


def check_frequency(frequency: str) -> None:
    """Raises `ValidationError` for what is neither `continuous` nor a time such as 30m."""
    if not re.fullmatch(FREQUENCY, frequency):
        raise ValidationError(
            "Enter continuous, or a number with m, h or d: 30m is every 30 minutes, 4h every 4 "
            "hours."
        )


def format_frequency(frequency: str) -> str:
    """90m -> "Every 90 minutes"."""
    other = f"Every {frequency[:-1]} {FREQUENCY_UNITS.get(frequency[-1:], '')}".strip()
    return FREQUENCIES.get(frequency, other)


def check_rate(rate: Rate, of_credential: RateLimit) -> None:
    """Check the bounds, and that the sync's limit is within its credential's."""
    RateLimit(**rate.model_dump()).clean_fields(exclude={"credential"})
    # Compared as fractions, cross-multiplied.
    rate_of_sync = rate.allowed_requests * of_credential.interval
    if rate_of_sync > of_credential.allowed_requests * rate.interval:
        raise ValidationError(
            {
                "allowed_requests": f"The credential is allowed {of_credential}. A sync may only "
                "narrow that: allow fewer requests, or change the credential's limit."
            }
        )
    cap = of_credential.max_concurrent_requests
    if cap and rate.max_concurrent_requests > cap:
        raise ValidationError(
            {
                "max_concurrent_requests": f"The credential is allowed {cap:,} at the same time. "
                "A sync may only narrow that."
            }
        )
