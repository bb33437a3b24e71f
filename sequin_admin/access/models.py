"""Who may come in: people, organizations, memberships and API keys."""

import hashlib
import secrets
import uuid
from datetime import datetime
from typing import Self, TypeVar

from django.contrib.auth.models import AbstractUser
from django.db import models

from sequin_admin.access.policy import Role
from sequin_admin.core import clock
from sequin_admin.core.fields import EncryptedJSONField


class User(AbstractUser):
    """A person. Logs in with the e-mail address; `is_staff` opens the staff admin."""

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
    """An organization's picture, as customers see it. In the database: web processes keep no files.

    A table of its own, so that reading an organization does not read its picture.
    """

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


class Membership(models.Model):
    """What one person may do in one organization."""

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


class ApiKeyQuerySet(OwnedQuerySet["ApiKey"]):
    def usable(self, at: datetime) -> Self:
        alive = models.Q(expires_at=None) | models.Q(expires_at__gt=at)
        return self.filter(alive, revoked_at=None)

    def matching(self, token: str) -> Self:
        """The key that `token` is, found by its hash: the token itself is never stored."""
        return self.filter(digest=digest(token))


class ApiKey(models.Model):
    """A program's way in. The token is shown once; we keep its hash and first characters."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"API key {self.name} ({self.prefix}...)"

    def remember(self, token: str) -> None:
        self.prefix, self.digest = token[:12], digest(token)


class KeptAnswer(models.Model):
    """A request that carried an Idempotency-Key, and what it was answered. See `replays`.

    `status` is empty until it was done. `answer` (headers and body) may hold secrets.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api_key = models.ForeignKey(ApiKey, models.CASCADE, related_name="kept_answers")
    name = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    answer = EncryptedJSONField(bind=("id", "api_key_id"))
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("api_key", "name"), name="kept_answer_once"),
        )
        indexes = (models.Index(fields=("created_at",), name="kept_answer_by_age"),)

    def __str__(self) -> str:
        return f"Answer to {self.name} of {self.api_key_id}"


def digest(token: str) -> str:
    """SHA-256 is enough: the token is 256 random bits, nothing to guess."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    return f"sqn_{secrets.token_urlsafe(32)}"
