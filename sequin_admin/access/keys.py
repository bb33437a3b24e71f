"""Making, checking and revoking API keys."""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import models, transaction

from sequin_admin.access.models import ApiKey, Organization, digest, new_token
from sequin_admin.audit.models import record
from sequin_admin.core import clock

TOUCH_EVERY = timedelta(minutes=5)
KNOWN_FOR_S = 60.0
MOST_KNOWN = 10_000

# Keys by the digest of their token, and until when (monotonic seconds) they may be taken from here.
_known: dict[str, tuple[ApiKey, float]] = {}


@transaction.atomic
def create(
    organization: Organization,
    *,
    name: str,
    scopes: Iterable[str],
    actor: models.Model | None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its token. The token is not kept: this is the only time it is known."""
    token = new_token()
    key = ApiKey(organization=organization, name=name, scopes=sorted(scopes), expires_at=expires_at)
    key.remember(token)
    key.save()
    record(
        "api_key.created",
        actor=actor,
        target=key,
        organization_id=organization.pk,
        scopes=key.scopes,
    )
    return key, token


def find(token: str) -> ApiKey | None:
    """The usable key of `token`, or None. Notes its use at most every five minutes."""
    now = clock.now()
    key = ApiKey.objects.usable(now).matching(token).select_related("organization").first()
    if key and (key.last_used_at is None or now - key.last_used_at > TOUCH_EVERY):
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def find_known(token: str) -> ApiKey | None:
    """As `find()`, from memory for up to a minute: for calls whose own query asks `still_usable`.

    So a revoked or expired key is refused at once, though nothing was read to know the key.
    """
    hashed, now = digest(token), time.monotonic()
    known = _known.get(hashed)
    if known and known[1] > now:
        return known[0]
    key = find(token)
    if len(_known) >= MOST_KNOWN:
        _known.clear()
    if key:
        _known[hashed] = (key, now + KNOWN_FOR_S)
    return key


def still_usable(pk: UUID, at: datetime) -> models.Exists:
    """For a query to annotate its rows with: whether the key may be used at that time."""
    return models.Exists(ApiKey.objects.usable(at).filter(pk=pk))


def holds(key: ApiKey) -> bool:
    """The same, asked by itself."""
    return ApiKey.objects.usable(clock.now()).filter(pk=key.pk).exists()


@transaction.atomic
def revoke(key: ApiKey, *, actor: models.Model | None) -> None:
    """Stop the key at once. Revoking twice changes nothing."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=clock.now()):
        record("api_key.revoked", actor=actor, target=key, organization_id=key.organization_id)
