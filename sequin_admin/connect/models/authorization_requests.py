"""Connections that another product starts by API."""

import uuid

from django.db import models

from sequin_admin.access.models import ApiKey, Organization, OwnedQuerySet
from sequin_admin.core import clock
from sequin_admin.core.fields import EncryptedJSONField
from sequin_admin.credentials.models import OAuthApp


class AuthorizationRequest(models.Model):
    """A connection that another product starts by API and whose credential that product gets.

    `token_digest` is the SHA-256 of the token in the start URL, `code_digest` that of the code in
    the redirect (RFC 6749 section 4.1.2). `secrets` holds the caller's `state` and, from the
    callback to the exchange of the code, the `properties` of the credential.

    `api_key` started it and must hold until the exchange. `redirect_url` must be among the redirect
    URIs of `redirect_app` as long; `oauth_app` is None where the client is the customer's.
    """

    audit_type = "handover"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="authorization_requests"
    )
    kind = models.CharField(max_length=40, editable=False)
    oauth_app = models.ForeignKey(
        OAuthApp, models.CASCADE, null=True, related_name="authorization_requests", editable=False
    )
    api_key = models.ForeignKey(
        ApiKey, models.CASCADE, null=True, related_name="authorization_requests", editable=False
    )
    redirect_app = models.ForeignKey(OAuthApp, models.CASCADE, related_name="+", editable=False)
    redirect_url = models.CharField(max_length=2000, editable=False)
    secrets = EncryptedJSONField(
        scope="authorization_request", bind=("organization_id", "id", "kind", "redirect_url")
    )
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    session_digest = models.CharField(max_length=64, blank=True, default="", editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(editable=False)
    code_digest = models.CharField(max_length=64, unique=True, null=True, editable=False)  # noqa: DJ001
    code_expires_at = models.DateTimeField(null=True, editable=False)
    exchanged_at = models.DateTimeField(null=True, editable=False)

    objects = OwnedQuerySet["AuthorizationRequest"].as_manager()

    class Meta:
        indexes = (
            models.Index(fields=("created_at",), name="authorization_request_age"),
            models.Index(fields=("code_expires_at",), name="authorization_request_end"),
        )

    def __str__(self) -> str:
        return f"{self.kind} authorization request of {self.created_at:%Y-%m-%d %H:%M}"
