"""The tables: OAuth apps here, credentials in `row.py` and `credential.py`."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.db import models

from sequin_admin.access.models import Findable, FormerSecrets, Organization
from sequin_admin.core import clock
from sequin_admin.core.fields import EncryptedJSONField, Secrets
from sequin_admin.core.metadata import validate_metadata
from sequin_admin.core.monitored import Monitored, list_indexes
from sequin_admin.core.names import NameColumn
from sequin_admin.core.search_language import Filter, by_id
from sequin_admin.credentials import kinds
from sequin_admin.credentials.credential import FAILURES, Credential, CredentialQuerySet
from sequin_admin.credentials.declarations import AppProperties, OAuth2
from sequin_admin.credentials.row import IDENTITY_CHARS, NAME_CHARS
from sequin_admin.credentials.search_filters import by_change, by_provider, by_status
from sequin_admin.credentials.search_text import SearchText

__all__ = [
    "FAILURES",
    "IDENTITY_CHARS",
    "NAME_CHARS",
    "Credential",
    "CredentialQuerySet",
    "FormerAppSecrets",
    "FormerCredentialSecrets",
    "GatewaySecret",
    "OAuthApp",
    "SearchText",
]


class OAuthAppQuerySet(Findable["OAuthApp"]):
    """OAuth apps, found by name and client id."""

    found_by = ("name", "client_id")
    search_filters: ClassVar[Mapping[str, Filter]] = {
        "change": by_change,
        "id": by_id,
        "provider": by_provider,
        "status": by_status(),
    }


class OAuthApp(Monitored):
    """Our registration at a provider. `secrets` holds the client secret, GitHub's private key..."""

    entity, entity_title = "oauth_app", "OAuth app"
    # What to do first so that it can be deleted (`credentials.usage`).
    when_used: ClassVar[str] = (
        "First delete what needs it, or reconnect it through another app: without one its access "
        "can't be renewed."
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="oauth_apps")
    provider = models.CharField(max_length=40)
    name = NameColumn(max_length=100)
    client_id = models.CharField("client ID", max_length=200)
    properties = models.JSONField(default=dict, blank=True)
    secrets = EncryptedJSONField(scope="oauth_app", bind=("organization_id", "id", "provider"))
    secrets_changed_at = models.DateTimeField(default=clock.now, editable=False)
    # As a person entered it: providers don't tell when a client secret ends.
    secret_ends_at = models.DateTimeField(null=True, blank=True)
    scopes = models.JSONField(default=list, blank=True)
    redirect_uris = models.JSONField("redirect URIs", default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True, validators=[validate_metadata])
    # 0 for the pace of the kind.
    renewals_per_second = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OAuthAppQuerySet.as_manager()

    class Meta:
        verbose_name = "OAuth app"
        indexes = (
            models.Index(fields=("organization", "provider"), name="oauth_app_provider"),
            *list_indexes("oauth_app"),
        )

    def __str__(self) -> str:
        return self.name

    def message_path(self, action: str) -> str:
        return f"/oauth-apps/{self.pk}/"

    def message_data(self, action: str, details: dict[str, Any]) -> dict[str, Any]:
        return {"provider": self.provider, **details}

    @property
    def provider_title(self) -> str:
        return kinds.title_of(self.provider)

    @property
    def flow(self) -> OAuth2:
        """Its authorization code flow. Raises `LookupError` for a provider without an OAuth app."""
        return kinds.flow_of(self.provider, self.properties)

    @property
    def kind_slug(self) -> str:
        """The kind of the credentials that are connected through it; empty where none is left."""
        kind = kinds.with_app(self.provider)
        return kind.slug if kind else ""

    @property
    def properties_class(self) -> type[AppProperties]:
        return self.flow.app

    @property
    def requested_scopes(self) -> tuple[str, ...]:
        """The scopes we request: the app's own, or the defaults of its flow."""
        return tuple(self.scopes) or self.flow.scopes

    def last_fixed_at(self) -> datetime:
        return self.secrets_changed_at

    def url_params(self) -> dict[str, Any]:
        """All properties of the app for the flow, secrets included. Never show them."""
        return Secrets({**self.properties, **self.secrets})


class GatewaySecret(models.Model):
    """The secret with which a product gets an OAuth app's credentials at `/link/oauth2/token`.

    It is ours, not the provider's client secret. Only hashes are stored. After a rotation
    `former_digest` is valid until `former_until`.
    """

    oauth_app = models.OneToOneField(
        OAuthApp, models.CASCADE, primary_key=True, related_name="gateway_secret"
    )
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=clock.now)
    former_digest = models.CharField(max_length=64, blank=True, default="")
    former_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Gateway secret of {self.oauth_app} ({self.prefix}...)"


class FormerCredentialSecrets(FormerSecrets):
    """Secrets of a credential that were replaced, without tokens that are renewed."""

    owner = models.ForeignKey(Credential, models.CASCADE, related_name="former_secrets")

    class Meta(FormerSecrets.Meta):
        verbose_name_plural = "former credential secrets"


class FormerAppSecrets(FormerSecrets):
    """Secrets of an OAuth app that were replaced, such as a client secret."""

    owner = models.ForeignKey(OAuthApp, models.CASCADE, related_name="former_secrets")

    class Meta(FormerSecrets.Meta):
        verbose_name_plural = "former app secrets"
