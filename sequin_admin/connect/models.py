"""Connect trips and tokens."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models

from sequin_admin.access.models import Organization, OwnedQuerySet, User
from sequin_admin.core import clock
from sequin_admin.core.fields import EncryptedJSONField
from sequin_admin.credentials.models import Credential, OAuthApp


class AttemptQuerySet(OwnedQuerySet["Attempt"]):
    def open(self, at: datetime) -> Self:
        return self.filter(finished_at=None, expires_at__gt=at)


class Attempt(models.Model):
    """One trip to a provider and back. `state` leaves us; only its SHA-256 stays.

    `secrets` holds the PKCE verifier and what was asked before the redirect. A trip ends once:
    with a credential, or with the sentence in `failure`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="attempts")
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="attempts")
    session_digest = models.CharField(max_length=64, editable=False)
    state_digest = models.CharField(max_length=64, unique=True, editable=False)
    kind = models.CharField(max_length=40, editable=False)
    oauth_app = models.ForeignKey(OAuthApp, models.CASCADE, null=True, related_name="attempts")
    reconnects = models.ForeignKey(
        Credential, models.CASCADE, null=True, related_name="reconnect_attempts"
    )
    replaces_account = models.BooleanField(default=False)
    name = models.CharField(max_length=200, blank=True, default="")
    secrets = EncryptedJSONField(bind=("id", "kind"))
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    credential = models.ForeignKey(Credential, models.SET_NULL, null=True, related_name="attempts")
    failure = models.CharField(max_length=500, blank=True, default="")

    objects = AttemptQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.kind} trip of {self.created_at:%Y-%m-%d %H:%M}"


class TokenQuerySet(models.QuerySet["Token"]):
    def refresh_due(self, at: datetime) -> Self:
        return self.filter(refresh_at__lte=at, credential__disabled_at=None).order_by("refresh_at")


class Token(models.Model):
    """The access token of one credential, and who may renew it right now.

    `secrets` holds `access_token` and, for kinds with a grace time, `previous_refresh_token`.
    `version` rises with every new token. `lease_fence` rises with every taken lease; an answer is
    written only by the holder of the newest fence. `journal` keeps the last attempts (no secrets):
    `{"fence", "at", "ended", "code"}`, where an attempt without `ended` was cut off. `refusal` is
    the outcome of the last failed attempt, repeated to readers until `next_try_at`.
    """

    credential = models.OneToOneField(
        Credential, models.CASCADE, primary_key=True, related_name="token"
    )
    secrets = EncryptedJSONField(bind=("credential_id",))
    scope = models.TextField(blank=True, default="")
    issued_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    refresh_at = models.DateTimeField(null=True)
    previous_until = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=0)
    lease_owner = models.CharField(max_length=64, blank=True, default="")
    lease_fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    journal = models.JSONField(default=list)
    failures = models.PositiveIntegerField(default=0)
    refusal = models.JSONField(default=dict)
    next_try_at = models.DateTimeField(null=True)

    objects = TokenQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("refresh_at",), name="token_refresh_at"),)

    def __str__(self) -> str:
        return f"token of {self.credential_id}"

    def lives(self, at: datetime, margin_s: float = 0) -> bool:
        """Whether there is an access token that is valid for more than `margin_s` seconds."""
        if self.version == 0:
            return False
        return self.expires_at is None or (self.expires_at - at).total_seconds() > margin_s
