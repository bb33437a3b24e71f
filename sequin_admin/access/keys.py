"""Making, finding, changing, rotating and revoking API keys."""

import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models, transaction

from sequin_admin.access.key_scopes import refuse_privilege_escalation
from sequin_admin.access.models import (
    ApiKey,
    ApiKeyQuerySet,
    ApiKeyState,
    Organization,
    Scope,
    digest,
    new_token,
)
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.core.networks import normalized
from sequin_admin.core.prepared import Prepared

TOUCH_EVERY = timedelta(minutes=5)
KNOWN_FOR_S = 60.0
MOST_KNOWN = 10_000
OVERLAP_H = 24
LONGEST_OVERLAP_H = 7 * 24
MOST_NETWORKS = 100
MOST_PER_MINUTE = 10_000_000
COLUMNS = ("name", "scopes", "expires_at", "networks", "requests_per_minute")

# Keys by the digest of their token, and until when (monotonic seconds) they may be taken from here.
_known: dict[str, tuple[ApiKey, float]] = {}


class Ended(Exception):
    """The key is revoked or expired, so nothing about it can change. `str()` is a sentence."""


@transaction.atomic
def create(
    organization: Organization,
    *,
    name: str,
    scopes: Collection[str],
    actor: models.Model | None,
    expires_at: datetime | None = None,
    networks: Collection[str] = (),
    requests_per_minute: int | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its token. The token is not kept: this is the only time it is known.

    Raises `ValidationError` by column, and `TooFar` when a key asks for more than it has.
    """
    token = new_token()
    key = ApiKey(
        organization=organization,
        name=name,
        scopes=scopes,
        expires_at=expires_at,
        networks=networks,
        requests_per_minute=requests_per_minute,
    )
    settle(key, COLUMNS)
    refuse_privilege_escalation(actor, key)
    key.remember(token)
    key.save()
    record_key_change("created", key, actor, **said_of(key, COLUMNS[1:]))
    return key, token


def settle(key: ApiKey, columns: Collection[str]) -> None:
    """Bring these columns into the form they are stored in. Raises `ValidationError` by column."""
    wrong: dict[str, list[str]] = {}
    if "name" in columns and not key.name.strip():
        wrong["name"] = ["Give the key a name."]
    if "scopes" in columns:
        key.scopes = sorted({str(scope) for scope in key.scopes})
        if not key.scopes or not set(key.scopes) <= set(Scope.values):
            wrong["scopes"] = [f"Choose one or more of {', '.join(Scope.values)}."]
    if "expires_at" in columns and key.expires_at and key.expires_at <= clock.now():
        wrong["expires_at"] = ["Choose a time that is still to come, or none."]
    if "networks" in columns:
        key.networks, bad = normalized(key.networks)
        wrong |= {f"networks.{place}": [sentence] for place, sentence in bad.items()}
        if len(key.networks) > MOST_NETWORKS:
            wrong["networks"] = [f"Name at most {MOST_NETWORKS} networks."]
    allowed = key.requests_per_minute
    if allowed is not None and not 1 <= allowed <= MOST_PER_MINUTE:
        wrong["requests_per_minute"] = [f"Choose a number from 1 to {MOST_PER_MINUTE:,}, or none."]
    if wrong:
        raise ValidationError(wrong)


def usable_by(hashed: str, now: datetime) -> ApiKeyQuerySet:
    return ApiKey.objects.usable(now).opened_by(hashed, now).select_related("organization")


USABLE = Prepared(
    usable_by,
    {
        "hashed": (models.CharField(), digest("an example")),
        "now": (models.DateTimeField(), clock.now()),
    },
)


def find(token: str) -> ApiKey | None:
    """The usable key of `token`, or None. Notes its use at most every five minutes."""
    now, hashed = clock.now(), digest(token)
    if key := USABLE.first(hashed=hashed, now=now):
        touch(key, "last_used_at", now)
        if key.digest != hashed:
            touch(key, "former_used_at", now)
    return key


def touch(key: ApiKey, column: str, now: datetime) -> None:
    before = getattr(key, column)
    if before is None or now - before > TOUCH_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(**{column: now})


def find_known(token: str) -> ApiKey | None:
    """As `find()`, from memory for up to a minute: for calls whose own query asks `still_usable`.

    So a revoked, changed or expired key is noticed at once, though nothing was read to know it.
    """
    hashed, now = digest(token), time.monotonic()
    known = _known.get(hashed)
    if known and known[1] > now and opens(known[0], hashed):
        return known[0]
    key = find(token)
    if len(_known) >= MOST_KNOWN:
        _known.clear()
    if key:
        _known[hashed] = (key, now + KNOWN_FOR_S)
    return key


def forget(token: str) -> None:
    """Let the next `find_known()` ask the database."""
    _known.pop(digest(token), None)


def opens(key: ApiKey, hashed: str) -> bool:
    """Of a key as it was read: a former token opens it for its time only."""
    return key.digest == hashed or key.rotates(clock.now())


def still_usable(pk: UUID, version: int, at: datetime) -> models.Exists:
    """For a query to annotate its rows with: whether the key may be used at that time, and nobody
    changed it since that version."""
    return models.Exists(ApiKey.objects.usable(at).filter(pk=pk, version=version))


def holds(key: ApiKey) -> bool:
    """The same, asked by itself."""
    return ApiKey.objects.usable(clock.now()).filter(pk=key.pk, version=key.version).exists()


@transaction.atomic
def update(key: ApiKey, *, actor: models.Model | None, **columns: Any) -> ApiKey:
    """Change some of `COLUMNS`, from now on everywhere. What is the same is no change.

    Raises `ValidationError`, `TooFar` and `Ended`.
    """
    row = locked(key)
    if row.revoked_at:
        raise Ended(f"{row} is revoked, which is for good. Make a new key.")
    refuse_privilege_escalation(actor, row)
    before = said_of(row, columns)
    for name, value in columns.items():
        setattr(row, name, value)
    settle(row, [name for name in columns if said_of(row, [name])[name] != before[name]])
    refuse_privilege_escalation(actor, row)
    after = said_of(row, columns)
    changed = {name: [before[name], after[name]] for name in columns if before[name] != after[name]}
    if changed:
        row.version += 1
        row.save(update_fields=[*changed, "version"])
        record_key_change("changed", row, actor, **changed)
    return row


@transaction.atomic
def rotate(
    key: ApiKey, *, actor: models.Model | None, overlap: timedelta = timedelta(hours=OVERLAP_H)
) -> tuple[ApiKey, str]:
    """A new token for the key. The one until now stays good for `overlap`, an older one ends.

    Raises `ValidationError`, `TooFar` and `Ended`.
    """
    if not timedelta() <= overlap <= timedelta(hours=LONGEST_OVERLAP_H):
        said = "The former token may stay good for 0 to 7 days."
        raise ValidationError({"overlap_hours": [said]})
    row, now, token = locked(key), clock.now(), new_token()
    state = row.state(now)
    if state in (ApiKeyState.REVOKED, ApiKeyState.EXPIRED):
        raise Ended(f"{row} is {state.label.lower()}, so a new token would open nothing.")
    refuse_privilege_escalation(actor, row)
    row.former_prefix, row.former_digest = (row.prefix, row.digest) if overlap else ("", None)
    row.former_until, row.former_used_at = (now + overlap if overlap else None), None
    row.remember(token)
    row.version += 1
    row.save()
    record_key_change(
        "rotated", row, actor, former_until=row.former_until and row.former_until.isoformat()
    )
    return row, token


@transaction.atomic
def end_former(key: ApiKey, *, actor: models.Model | None) -> ApiKey:
    """Let the former token end now. Harmless when there is none."""
    row = locked(key)
    if row.former_digest:
        row.former_prefix, row.former_digest, row.former_until = "", None, None
        row.version += 1
        row.save()
        record_key_change("former_token_ended", row, actor)
    return row


@transaction.atomic
def revoke(key: ApiKey, *, actor: models.Model | None) -> None:
    """Stop the key at once, both tokens of it. Revoking twice changes nothing."""
    rows = ApiKey.objects.filter(pk=key.pk, revoked_at=None)
    if rows.update(revoked_at=clock.now(), version=models.F("version") + 1):
        record_key_change("revoked", key, actor)


def locked(key: ApiKey) -> ApiKey:
    return ApiKey.objects.select_for_update().get(pk=key.pk)


def said_of(key: ApiKey, columns: Collection[str]) -> dict[str, Any]:
    """The columns as JSON values."""
    values = {name: getattr(key, name) for name in columns}
    return {n: v.isoformat() if isinstance(v, datetime) else v for n, v in values.items()}


def record_key_change(action: str, key: ApiKey, actor: models.Model | None, **details: Any) -> None:
    record_change(
        f"api_key.{action}",
        actor=actor,
        target=key,
        organization_id=key.organization_id,
        **details,
    )
