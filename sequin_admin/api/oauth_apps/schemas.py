"""Schemas of /v1/oauth-apps."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, SecretStr

from sequin_admin.api.framework.columns import Made, RowShape
from sequin_admin.api.framework.reveal import Unreadable
from sequin_admin.api.framework.schemas import Body, Metadata, Moment, Shape, Timestamp
from sequin_admin.api.health import HEALTH, Health
from sequin_admin.credentials import gateway_secrets, kinds, oauth_apps
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.credentials.properties import MASK

RedirectURI = Annotated[
    str, Field(pattern=oauth_apps.REDIRECT_URI, max_length=oauth_apps.REDIRECT_URI_CHARS)
]
ScopeName = Annotated[str, Field(pattern=oauth_apps.SCOPE, max_length=200)]
REDIRECT_URIS = "Where your product receives codes. Changing them takes the scope `secrets`, too."
RENEWALS = (
    "How many tokens we renew through this app in a second, at most. 0 is the usual pace: 10."
)
ENDS_HELP = (
    "When the client secret ends, where the provider's developer page says so. An addition of "
    "ours; messages come 30, 7 and 1 days before."
)
Renewals = Annotated[int, Field(ge=0, le=oauth_apps.MOST_RENEWALS_PER_SECOND)]
PROVIDERS = [provider for provider in kinds.providers() if kinds.oauth_of(provider)]


GITHUB_APP = {
    "app_id": "310104",
    "slug": "arrakis-sync",
    "private_key": "-----BEGIN RSA PRIVATE...",
}
NEW_APPS = {
    "hubspot": {
        "provider": "hubspot",
        "name": "HubSpot, production",
        "client_id": "b1b4f8a2-hubspot-client",
        "client_secret": "hubspot-client-secret",
        "scopes": ["oauth", "crm.objects.contacts.read"],
        "redirect_uris": ["https://app.arrakis.example/connected"],
        "metadata": {"team": "growth"},
    },
    "github": {
        "provider": "github",
        "name": "GitHub, production",
        "client_id": "Iv1.example",
        "client_secret": "github-client-secret",
        "properties": GITHUB_APP,
    },
}
EXAMPLE: dict[str, Any] = NEW_APPS["hubspot"]


class OAuthAppCreate(Body):
    """An app that was registered at the provider."""

    examples = NEW_APPS

    provider: str = Field(json_schema_extra={"enum": [*PROVIDERS]})
    name: str = Field(min_length=1, max_length=100)
    client_id: str = Field(min_length=1, max_length=200)
    client_secret: SecretStr = Field(min_length=1)
    properties: dict[str, Any] = Field(
        default_factory=dict, description="What the provider has besides: GitHub's app_id, slug..."
    )
    scopes: list[ScopeName] = Field(default_factory=list)
    redirect_uris: list[RedirectURI] = Field(default_factory=list, description=REDIRECT_URIS)
    metadata: Metadata = Field(default_factory=dict)
    renewals_per_second: Renewals = Field(default=0, description=RENEWALS)
    secret_ends_at: Moment | None = Field(default=None, description=ENDS_HELP)


class OAuthAppPatch(Body):
    """What is left out stays as it is. The client id can't be changed."""

    examples = {
        "replace the secret": {"client_secret": "the-new-client-secret"},
        "register addresses": {
            "redirect_uris": EXAMPLE["redirect_uris"],
            "metadata": EXAMPLE["metadata"],
        },
    }

    name: str | None = Field(default=None, min_length=1, max_length=100)
    client_secret: SecretStr | None = Field(default=None, min_length=1)
    properties: dict[str, Any] | None = None
    scopes: list[ScopeName] | None = None
    redirect_uris: list[RedirectURI] | None = Field(default=None, description=REDIRECT_URIS)
    metadata: Metadata | None = None
    renewals_per_second: Renewals | None = Field(default=None, description=RENEWALS)
    secret_ends_at: Moment | None = Field(
        default=None,
        description=f"{ENDS_HELP} Null takes the end away, as a new secret without one does.",
    )


class GatewaySecretRotation(Body):
    """How long the former secret of the gateway stays valid."""

    examples = {"make": {}, "rotate at once": {"overlap_hours": 0}}

    overlap_hours: int = Field(
        default=gateway_secrets.OVERLAP_H,
        ge=0,
        le=gateway_secrets.LONGEST_OVERLAP_H,
        description="How long the secret until now, if there is one, stays good.",
    )


class GatewaySecretShape(Shape):
    """The secret that the gateway has for an app, which is shown this once."""

    oauth_app_id: UUID
    client_secret: str = Field(
        description="Send it to /link/oauth2/token, with oauth_app_id as client_id. Shown once.",
        examples=["sqg_n7fF6-rA..."],
    )
    created_at: Timestamp
    former_until: Timestamp | None = Field(
        description="When the secret until now ends.", examples=[None]
    )


class OAuthAppShape(Shape):
    """An OAuth app. Secrets are masked unless `truncate_secrets=false`."""

    id: str
    provider: str = Field(examples=[EXAMPLE["provider"]])
    name: str = Field(examples=[EXAMPLE["name"]])
    client_id: str = Field(examples=[EXAMPLE["client_id"]])
    client_secret: str = Field(
        description="Asterisks, unless truncate_secrets is false.", examples=[MASK]
    )
    properties: dict[str, Any] = Field(
        description="What the provider has besides: GitHub's slug.", examples=[{}]
    )
    scopes: list[str] = Field(examples=[EXAMPLE["scopes"]])
    redirect_uris: list[str] = Field(examples=[EXAMPLE["redirect_uris"]])
    health: Health
    metadata: dict[str, Any]
    renewals_per_second: int = Field(description=RENEWALS, examples=[0])
    secret_ends_at: Timestamp | None = Field(
        description=ENDS_HELP, examples=["2027-11-30T00:00:00Z"]
    )
    created_at: Timestamp
    updated_at: Timestamp


class OAuthAppList(Shape):
    """A page of OAuth apps."""

    data: list[OAuthAppShape]
    unreadable: Unreadable = {}
    next_cursor: str | None


def scopes_out(provider: str, scopes: list[str], properties: dict[str, Any]) -> list[str]:
    return scopes or [*kinds.flow_of(provider, properties).scopes]


OAUTH_APP = RowShape(
    OAuthAppShape,
    OAuthApp,
    client_secret=Made(lambda: MASK, ()),
    scopes=Made(scopes_out, ("provider", "scopes", "properties")),
    health=HEALTH,
)


def oauth_app_out(app: OAuthApp, *, secrets: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Masked, unless the revealed `secrets` are given."""
    shown = OAUTH_APP.fields_of(app)
    if secrets is not None:
        shown["client_secret"] = secrets.get("client_secret", MASK)
        hidden = {n: value for n, value in secrets.items() if n != "client_secret"}
        shown["properties"] = {**app.properties, **hidden}
    return shown
