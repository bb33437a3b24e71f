"""Runs of the authorization code flow."""

import hmac
import uuid
from typing import Any

from django.db import models

from sequin_admin.access.models import Organization, OwnedQuerySet, User
from sequin_admin.connect.models.authorization_requests import AuthorizationRequest
from sequin_admin.connect.models.links import ConnectLink
from sequin_admin.core import clock
from sequin_admin.core.fields import EncryptedJSONField
from sequin_admin.core.names import NameColumn
from sequin_admin.credentials.models import Credential, OAuthApp


class ConnectSession(models.Model):
    """One run of a provider's authorization code flow. Of `state` only the SHA-256 is stored.

    It belongs to a person who is logged in (`user`), a customer with a `link`, or a browser that
    another product sent (`authorization_request`), and only the same browser session can finish it.
    `secrets` holds the PKCE verifier, the inputs and the details from before the redirect. It
    finishes once: with a credential, or with a message in `failure`, the one for a customer with a
    link in `customer_failure`, the RFC 6749 code in `error`, and the answer that it is about,
    without secrets, in `evidence`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="connect_sessions")
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="connect_sessions")
    link = models.ForeignKey(
        ConnectLink, models.CASCADE, null=True, related_name="connect_sessions"
    )
    authorization_request = models.ForeignKey(
        AuthorizationRequest, models.CASCADE, null=True, related_name="connect_sessions"
    )
    session_digest = models.CharField(max_length=64, editable=False)
    state_digest = models.CharField(max_length=64, unique=True, editable=False)
    kind = models.CharField(max_length=40, editable=False)
    oauth_app = models.ForeignKey(
        OAuthApp, models.CASCADE, null=True, related_name="connect_sessions"
    )
    reconnects = models.ForeignKey(
        Credential, models.CASCADE, null=True, related_name="reconnect_sessions"
    )
    replaces_account = models.BooleanField(default=False)
    name = NameColumn(max_length=200, blank=True, default="")
    secrets = EncryptedJSONField(
        scope="connect_session", bind=("organization_id", "id", "kind", "oauth_app_id")
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    credential = models.ForeignKey(
        Credential, models.SET_NULL, null=True, related_name="connect_sessions"
    )
    failure = models.CharField(max_length=500, blank=True, default="")
    customer_failure = models.CharField(max_length=500, blank=True, default="", editable=False)
    error = models.CharField(max_length=40, blank=True, default="", editable=False)
    evidence = models.JSONField(default=dict, blank=True, editable=False)

    objects = OwnedQuerySet["ConnectSession"].as_manager()

    class Meta:
        indexes = (models.Index(fields=("expires_at",), name="connect_session_end"),)

    def __str__(self) -> str:
        return f"{self.kind} connect session of {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def details(self) -> dict[str, Any]:
        """What the person entered for the credential to come; see `flow.start()`."""
        entered: dict[str, Any] = self.secrets.get("details", {})
        return entered

    @property
    def actor(self) -> models.Model | None:
        """The actor of the audit events of its result."""
        return self.user or self.link or self.authorization_request

    def belongs_to(self, user: User | None, session_digest: str) -> bool:
        """Whether this browser session started it, as the same user if it has one."""
        same_browser = hmac.compare_digest(self.session_digest, session_digest)
        return same_browser and self.user_id in (None, user.pk if user else None)
