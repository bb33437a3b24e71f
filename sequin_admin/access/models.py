"""Users, organizations, memberships, API keys and idempotency records."""

import hashlib
import secrets
import uuid
from datetime import datetime
from typing import ClassVar, Self, TypeVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models

from sequin_admin.access.policy import Role
from sequin_admin.core import clock
from sequin_admin.core.fields import EncryptedJSONField


class User(AbstractUser):
    """A person, who logs in with the e-mail address. `is_staff` gives access to the staff admin."""

    email = models.EmailField("email address", unique=True)

    def __str__(self) -> str:
        return self.email or self.username


class Organization(models.Model):
    """The owner of every other row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    slug = models.SlugField(unique=True)
    users = models.ManyToManyField(User, through="Membership", related_name="organizations")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Logo(models.Model):
    """An organization's logo. In the database, because web processes have no shared files; in its
    own table, so that loading an organization does not load the picture."""

    organization = models.OneToOneField(
        Organization, models.CASCADE, primary_key=True, related_name="logo"
    )
    png = models.BinaryField()
    changed_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"logo of {self.organization_id}"


Owned = TypeVar("Owned", bound=models.Model)


class OwnedQuerySet(models.QuerySet[Owned]):
    """Rows that belong to an organization. Every query of a page or the API starts with `of()`."""

    def of(self, organization: Organization) -> Self:
        return self.filter(organization=organization)


class Findable(OwnedQuerySet[Owned]):
    """Rows that can be searched by a part of their name (or of other columns in `found_by`)."""

    found_by: ClassVar[tuple[str, ...]] = ("name",)

    def matching(self, text: str) -> Self:
        """One of `found_by` contains `text`, whatever the case."""
        return self.filter(
            models.Q(
                *((f"{column}__icontains", text) for column in self.found_by),
                _connector=models.Q.OR,
            )
        )


class Membership(models.Model):
    """A user's role in an organization."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = OwnedQuerySet["Membership"].as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "user"), name="membership_once"),
        )

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"


class Scope(models.TextChoices):
    """What an API key may do."""

    READ = "read", "Read everything except secrets"
    WRITE = "write", "Create, change and delete"
    SECRETS = "secrets", "Read secrets and tokens"
    PERMITS = "permits", "Take and give back rate-limit permits"
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
        """The key with this token, or with this former token while that is valid. `hashed` is the
        token's digest."""
        former = models.Q(former_digest=hashed, former_until__gt=at)
        return self.filter(models.Q(digest=hashed) | former)


class ApiKey(models.Model):
    """An API key. The token is shown once; its hash and its first characters are stored.

    After a rotation `former_digest` is valid until `former_until`. `version` increases with every
    change, so that a cached key can be compared with the stored one. `created_by` is the person who
    made it, also when that was done with another key of theirs.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, related_name="api_keys", editable=False
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
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = ApiKeyQuerySet.as_manager()

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
    api_key = models.ForeignKey(ApiKey, models.CASCADE, related_name="kept_answers")
    name = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    answer = EncryptedJSONField(scope="idempotency_record", bind=("id", "api_key_id"))
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("api_key", "name"), name="kept_answer_once"),
        )
        indexes = (models.Index(fields=("created_at",), name="kept_answer_by_age"),)

    def __str__(self) -> str:
        return f"Answer to {self.name} of {self.api_key_id}"


def digest(token: str) -> str:
    """SHA-256 without salt or stretching is enough: a token is 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    return f"sqn_{secrets.token_urlsafe(32)}"
