"""Making, checking and revoking API keys."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import models, transaction

from sequin_admin.access.models import ApiKey, Organization, new_token
from sequin_admin.audit.models import record
from sequin_admin.core import clock

TOUCH_EVERY = timedelta(minutes=5)


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


@transaction.atomic
def revoke(key: ApiKey, *, actor: models.Model | None) -> None:
    """Stop the key at once. Revoking twice changes nothing."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=clock.now()):
        record("api_key.revoked", actor=actor, target=key, organization_id=key.organization_id)
