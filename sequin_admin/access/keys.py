"""Creates, looks up, changes, rotates and revokes API keys."""

import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models, transaction

from sequin_admin.access.ceilings import refuse_above
from sequin_admin.access.key_scopes import refuse_privilege_escalation
from sequin_admin.access.models import (
    ApiKey,
    ApiKeyQuerySet,
    ApiKeyState,
    Organization,
    Scope,
    User,
    digest,
    new_token,
)
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.core.actors import Actor, AnyActor
from sequin_admin.core.networks import normalize_networks
from sequin_admin.core.prepared import PreparedQuery

TOUCH_EVERY = timedelta(minutes=5)
CACHED_FOR_S = 60.0
MOST_CACHED = 10_000
OVERLAP_H = 24
LONGEST_OVERLAP_H = 7 * 24
MOST_NETWORKS = 100
MOST_PER_MINUTE = 10_000_000
COLUMNS = ("name", "scopes", "expires_at", "networks", "requests_per_minute")

# Keys by the digest of their token, with the monotonic time at which the entry expires.
_cache: dict[str, tuple[ApiKey, float]] = {}


class Ended(Exception):
    """The key is revoked or expired and can't be changed. `str()` is a sentence."""


@transaction.atomic
def create(
    organization: Organization,
    *,
    name: str,
    scopes: Collection[str],
    actor: AnyActor,
    expires_at: datetime | None = None,
    networks: Collection[str] = (),
    requests_per_minute: int | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its token, of which only the hash is stored.

    Raises `ValidationError` by column, and `PrivilegeEscalation` when the actor is an API key with
    fewer privileges.
    """
    token = new_token()
    key = ApiKey(
        organization=organization,
        name=name,
        scopes=scopes,
        expires_at=expires_at,
        networks=networks,
        requests_per_minute=requests_per_minute,
        created_by=get_person(actor),
    )
    clean_columns(key, COLUMNS)
    refuse_privilege_escalation(actor, key)
    unrevoked = ApiKey.objects.of(organization).filter(revoked_at=None)
    refuse_above(organization, unrevoked, "MAX_API_KEYS")
    key.set_token(token)
    key.save()
    record_change(key, "api_key.created", actor, **column_values(key, COLUMNS[1:]))
    return key, token


def get_person(actor: AnyActor) -> User | None:
    """The person behind an actor: the user, or the maker of an API key."""
    row = Actor.of(actor).row
    if isinstance(row, ApiKey):
        return row.created_by
    return row if isinstance(row, User) else None


def clean_columns(key: ApiKey, columns: Collection[str]) -> None:
    """Validate and normalize these columns. Raises `ValidationError` by column."""
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
        key.networks, bad = normalize_networks(key.networks)
        wrong |= {f"networks.{index}": [sentence] for index, sentence in bad.items()}
        if len(key.networks) > MOST_NETWORKS:
            wrong["networks"] = [f"Name at most {MOST_NETWORKS} networks."]
    allowed = key.requests_per_minute
    if allowed is not None and not 1 <= allowed <= MOST_PER_MINUTE:
        wrong["requests_per_minute"] = [f"Choose a number from 1 to {MOST_PER_MINUTE:,}, or none."]
    if wrong:
        raise ValidationError(wrong)


def usable_keys(hashed: str, now: datetime) -> ApiKeyQuerySet:
    keys = ApiKey.objects.usable(now).with_token_digest(hashed, now)
    return keys.select_related("organization")


USABLE = PreparedQuery(
    usable_keys,
    {
        "hashed": (models.CharField(), digest("an example")),
        "now": (models.DateTimeField(), clock.now()),
    },
)


def find(token: str) -> ApiKey | None:
    """The usable key of `token`, or None. Records its use, at most every five minutes.

    Of an organization that ends it can only read.
    """
    now, hashed = clock.now(), digest(token)
    if key := USABLE.first(hashed=hashed, now=now):
        if key.organization.ends_at:
            key.scopes = [scope for scope in key.scopes if scope == Scope.READ]
        touch(key, "last_used_at", now)
        if key.digest != hashed:
            touch(key, "former_used_at", now)
    return key


def touch(key: ApiKey, column: str, now: datetime) -> None:
    before = getattr(key, column)
    if before is None or now - before > TOUCH_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(**{column: now})


def find_cached(token: str) -> ApiKey | None:
    """As `find()`, from a cache for up to a minute. For calls whose own query includes
    `still_usable()`, which detects a revoked, changed or expired key without a query of its own."""
    hashed, now = digest(token), time.monotonic()
    cached = _cache.get(hashed)
    if cached and cached[1] > now:
        return cached[0]
    key = find(token)
    if len(_cache) >= MOST_CACHED:
        _cache.clear()
    # Not a former token: `still_usable()` does not ask when that ends.
    if key and key.digest == hashed:
        _cache[hashed] = (key, now + CACHED_FOR_S)
    return key


def drop_cached(token: str) -> None:
    """Make the next `find_cached()` query the database."""
    _cache.pop(digest(token), None)


def still_usable(pk: UUID, version: int, at: datetime) -> models.Exists:
    """An annotation for a query: whether the key is usable at that time and still has that
    version."""
    keys = ApiKey.objects.usable(at)
    return models.Exists(keys.filter(pk=pk, version=version))


def is_still_usable(key: ApiKey) -> bool:
    """As `still_usable()`, with a query of its own."""
    keys = ApiKey.objects.usable(clock.now())
    return keys.filter(pk=key.pk, version=key.version).exists()


@transaction.atomic
def update(key: ApiKey, *, actor: AnyActor, **columns: Any) -> ApiKey:
    """Change some of `COLUMNS`, effective immediately. Equal values are not recorded as a change.

    Raises `ValidationError`, `PrivilegeEscalation` and `Ended`.
    """
    row = lock_key(key)
    if row.revoked_at:
        raise Ended(f"{row} is revoked, which is for good. Make a new key.")
    refuse_privilege_escalation(actor, row)
    before = column_values(row, columns)
    for name, value in columns.items():
        setattr(row, name, value)
    clean_columns(
        row, [name for name in columns if column_values(row, [name])[name] != before[name]]
    )
    refuse_privilege_escalation(actor, row)
    after = column_values(row, columns)
    changed: dict[str, Any] = {
        name: [before[name], after[name]] for name in columns if before[name] != after[name]
    }
    if changed:
        row.version += 1
        row.save(update_fields=[*changed, "version"])
        record_change(row, "api_key.changed", actor, **changed)
    return row


@transaction.atomic
def rotate(
    key: ApiKey, *, actor: AnyActor, overlap: timedelta = timedelta(hours=OVERLAP_H)
) -> tuple[ApiKey, str]:
    """A new token for the key, which is the actor's from now on. The current one stays valid for
    `overlap`; an older one ends.

    Raises `ValidationError`, `PrivilegeEscalation` and `Ended`.
    """
    if not timedelta() <= overlap <= timedelta(hours=LONGEST_OVERLAP_H):
        sentence = "The former token may stay good for 0 to 7 days."
        raise ValidationError({"overlap_hours": [sentence]})
    row, now, token = lock_key(key), clock.now(), new_token()
    state = row.state(now)
    if state in (ApiKeyState.REVOKED, ApiKeyState.EXPIRED):
        raise Ended(f"{row} is {state.label.lower()}, so a new token would open nothing.")
    refuse_privilege_escalation(actor, row)
    row.former_prefix, row.former_digest = (row.prefix, row.digest) if overlap else ("", None)
    row.former_until, row.former_used_at = (now + overlap if overlap else None), None
    row.former_by = row.created_by if overlap else None
    row.created_by = get_person(actor) or row.created_by
    row.set_token(token)
    row.version += 1
    row.save()
    record_change(
        row,
        "api_key.rotated",
        actor,
        former_until=row.former_until and row.former_until.isoformat(),
    )
    return row, token


@transaction.atomic
def end_former_token(key: ApiKey, *, actor: AnyActor) -> ApiKey:
    """Invalidate the former token now. Does nothing when there is none.

    Raises `PrivilegeEscalation`.
    """
    row = lock_key(key)
    refuse_privilege_escalation(actor, row)
    if row.former_digest:
        row.former_prefix, row.former_digest, row.former_until = "", None, None
        row.former_by = None
        row.version += 1
        row.save()
        record_change(row, "api_key.former_token_ended", actor)
    return row


@transaction.atomic
def revoke(key: ApiKey, *, actor: AnyActor) -> None:
    """Revoke the key with both of its tokens. Revoking twice changes nothing.

    Raises `PrivilegeEscalation`.
    """
    refuse_privilege_escalation(actor, lock_key(key))
    rows = ApiKey.objects.filter(pk=key.pk, revoked_at=None)
    if rows.update(revoked_at=clock.now(), version=models.F("version") + 1):
        record_change(key, "api_key.revoked", actor)


def lock_key(key: ApiKey) -> ApiKey:
    return ApiKey.objects.select_for_update().get(pk=key.pk)


def column_values(key: ApiKey, columns: Collection[str]) -> dict[str, Any]:
    """The columns as JSON values."""
    values = {name: getattr(key, name) for name in columns}
    return {n: v.isoformat() if isinstance(v, datetime) else v for n, v in values.items()}
