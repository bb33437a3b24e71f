"""API keys, and the answers that repeated requests get."""

import uuid
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models

from sequin_admin.access.models.organizations import Findable, Organization
from sequin_admin.access.models.tokens import digest
from sequin_admin.access.models.users import User
from sequin_admin.core import clock
from sequin_admin.core.fields import EncryptedJSONField
from sequin_admin.core.names import NameColumn


class Scope(models.TextChoices):
    """What an API key may do."""

    READ = "read", "Read everything except secrets"
    WRITE = "write", "Create, change and delete"
    SECRETS = "secrets", "Read secrets and tokens"
    PERMITS = "permits", "Take and give back rate-limit permits"
    RUNS = "runs", "Claim and report runs of syncs, with the secrets that a run needs"
    KEYS = "keys", "Manage API keys"


class ApiKeyState(models.TextChoices):
    """State of an API key at some time."""

    ACTIVE = "active", "Active"
    ROTATING = "rotating", "Two tokens"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Revoked"

    @property
    def tone(self) -> str:
        return {"active": "good", "rotating": "warn"}.get(self, "idle")

    @property
    def icon(self) -> str:
        icons = {"active": "check-circle", "rotating": "arrow-path", "expired": "clock"}
        return icons.get(self, "no-symbol")


class ApiKeyQuerySet(Findable["ApiKey"]):
    """API keys by whether they can be used."""

    def usable(self, at: datetime) -> Self:
        """Not revoked or expired, and not made by a person whose account was deactivated."""
        alive = models.Q(expires_at=None) | models.Q(expires_at__gt=at)
        active = models.Q(created_by=None) | models.Q(created_by__is_active=True)
        return self.filter(alive, active, revoked_at=None)

    def in_state(self, state: str, at: datetime) -> Self:
        """Keys whose `ApiKey.state()` is `state`."""
        if state == ApiKeyState.REVOKED:
            return self.exclude(revoked_at=None)
        if state == ApiKeyState.EXPIRED:
            return self.filter(revoked_at=None, expires_at__lte=at)
        rotating = models.Q(former_until__gt=at)
        still = models.Q(former_until=None) | models.Q(former_until__lte=at)
        return self.usable(at).filter(rotating if state == ApiKeyState.ROTATING else still)

    def with_token_digest(self, hashed: str, at: datetime) -> Self:
        """The key with this token, or with this former token while that is valid and its person
        active. `hashed` is the token's digest."""
        former = models.Q(former_digest=hashed, former_until__gt=at)
        former &= models.Q(former_by=None) | models.Q(former_by__is_active=True)
        return self.filter(models.Q(digest=hashed) | former)


class ApiKey(models.Model):
    """An API key. The token is shown once; its hash and its first characters are stored.

    After a rotation `former_digest` is valid until `former_until`. `version` increases with every
    change, so that a cached key can be compared with the stored one. `created_by` is the person who
    knows its token: who made it or rotated it last, also when that was done with another key of
    theirs. `former_by` is the one who knows the former token.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="api_keys")
    name = NameColumn(max_length=100)
    prefix = models.CharField(max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, related_name="made_api_keys", editable=False
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    networks = models.JSONField(default=list, blank=True)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    former_prefix = models.CharField(max_length=12, blank=True, editable=False)
    former_digest = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001 - unique
    former_until = models.DateTimeField(null=True, editable=False)
    former_used_at = models.DateTimeField(null=True, editable=False)
    former_by = models.ForeignKey(
        User, models.SET_NULL, null=True, related_name="former_api_keys", editable=False
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"API key {self.name} ({self.prefix}...)"

    def set_token(self, token: str) -> None:
        self.prefix, self.digest = token[:12], digest(token)

    def is_rotating(self, at: datetime) -> bool:
        """Whether a former token is still valid."""
        return self.former_until is not None and self.former_until > at

    def state(self, at: datetime) -> ApiKeyState:
        if self.revoked_at:
            return ApiKeyState.REVOKED
        if self.expires_at and self.expires_at <= at:
            return ApiKeyState.EXPIRED
        return ApiKeyState.ROTATING if self.is_rotating(at) else ApiKeyState.ACTIVE

    @property
    def allowed_per_minute(self) -> int:
        """Its own limit, or the default of the installation."""
        return self.requests_per_minute or int(settings.API_REQUESTS_PER_MINUTE)


class IdempotencyRecord(models.Model):
    """A request with an Idempotency-Key and its response. See `access.idempotency`.

    `name` is the Idempotency-Key. `status` is None until the request has run. `answer` (headers and
    body) may contain secrets; it is empty when the response was too long to store.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="kept_answers")
    api_key = models.ForeignKey(ApiKey, models.CASCADE, related_name="kept_answers")
    name = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    answer = EncryptedJSONField(
        scope="idempotency_record", bind=("organization_id", "id", "api_key_id")
    )
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("api_key", "name"), name="kept_answer_once"),
        )
        indexes = (models.Index(fields=("created_at",), name="kept_answer_by_age"),)

    def __str__(self) -> str:
        return f"Answer to {self.name} of {self.api_key_id}"
