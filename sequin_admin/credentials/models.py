"""Credentials, and the OAuth apps that some of them are connected through."""

import json
import math
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar, Self

from django.db import models, transaction
from django.utils.crypto import salted_hmac

from sequin_admin.access.models import Findable, Organization
from sequin_admin.core import clock
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.core.fields import DecryptionError, EncryptedJSONField, Secrets
from sequin_admin.core.http import UnknownHost, Unreachable
from sequin_admin.core.leases import Leased
from sequin_admin.core.metadata import validate_metadata
from sequin_admin.core.turns import QUEUE_CHARS, queue_expression, queue_name
from sequin_admin.credentials import answers, kinds, outcomes
from sequin_admin.credentials.collections import CollectionSchema
from sequin_admin.credentials.kinds import (
    AppProperties,
    OAuth2,
    OAuthContext,
    Plan,
    Rate,
    RateLimitSignals,
    RefreshPace,
    TokenGrant,
)
from sequin_admin.credentials.outcomes import Outcome, Refused
from sequin_admin.credentials.properties import MASK, Properties
from sequin_admin.credentials.signals import destination_changed

IDENTITY_CHARS = 300
# What a call to a provider may raise; `Credential.classify_failure()` returns the outcome of each.
FAILURES = (Refused, Unreachable, DecryptionError)
NAME_CHARS = 200
LONGEST_LIFE_S = 999_999_999


def list_indexes(table: str, called: str = "name") -> tuple[models.Index, ...]:
    """One index per sort order of a list, so that a page costs the same in a table of any size."""
    orders = {
        "newest": ("-created_at", "-id"),
        "changed": ("-updated_at", "-id"),
        called: (called, "id"),
    }
    return tuple(
        models.Index(fields=("organization", *columns), name=f"{table}_{order}")
        for order, columns in orders.items()
    )


class Monitored(models.Model):
    """Health status columns on the row itself, so that lists filter and sort without a join.

    `health_status` is empty until the first check; `health_note` is one sentence for people. Every
    monitored model has an `organization`, a `provider` ("" where there is none) and a UUID.
    """

    # The entity type as `health` stores it, and as people read it.
    entity: ClassVar[str] = ""
    entity_title: ClassVar[str] = ""

    health_status = models.CharField(max_length=24, blank=True, default="", editable=False)
    health_note = models.CharField(max_length=500, blank=True, default="", editable=False)
    health_since = models.DateTimeField(null=True, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    check_due_at = models.DateTimeField(null=True, default=clock.now, editable=False)

    class Meta:
        abstract = True

    def depends_on(self) -> Iterable["Monitored"]:
        """The rows that this one needs; their unhealthy status propagates to it."""
        return ()

    def last_fixed_at(self) -> datetime | None:
        """When a possible cause of failure, such as the secrets, was last replaced."""
        return None

    def is_disabled(self) -> bool:
        """Whether it was disabled by a person, so that it has no incidents."""
        return False

    def has_run(self) -> bool:
        """Whether it ever did its work: before that, `healthy` means that nothing hinders it."""
        return True

    def known_since(self) -> datetime | None:
        """When its work was first seen; None where its history begins with its first status."""
        return None


class OAuthApp(Monitored):
    """Our registration at a provider. `secrets` holds the client secret, GitHub's private key..."""

    entity, entity_title = "oauth_app", "OAuth app"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="oauth_apps")
    provider = models.CharField(max_length=40)
    name = models.CharField(max_length=100)
    client_id = models.CharField("client ID", max_length=200)
    properties = models.JSONField(default=dict, blank=True)
    secrets = EncryptedJSONField(scope="oauth_app", bind=("organization_id", "id", "provider"))
    secrets_changed_at = models.DateTimeField(default=clock.now, editable=False)
    scopes = models.JSONField(default=list, blank=True)
    redirect_uris = models.JSONField("redirect URIs", default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True, validators=[validate_metadata])
    # 0 for the pace of the kind.
    renewals_per_second = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = Findable["OAuthApp"].as_manager()

    class Meta:
        verbose_name = "OAuth app"
        indexes = (
            models.Index(fields=("organization", "provider"), name="oauth_app_provider"),
            *list_indexes("oauth_app"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def provider_title(self) -> str:
        return kinds.providers().get(self.provider, self.provider)

    @property
    def flow(self) -> OAuth2:
        """Its authorization code flow. Raises `LookupError` for a provider without an OAuth app."""
        kind = kinds.with_app(self.provider)
        if kind is None:
            raise LookupError(f"{self.provider} has no OAuth app of ours.")
        flow: OAuth2 = kind.flow_for(self.properties)
        return flow

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


class CredentialQuerySet(Findable["Credential"]):
    found_by = ("name", "identity")

    def active(self) -> Self:
        return self.filter(disabled_at=None)

    def of_provider(self, provider: str) -> Self:
        return self.filter(kind__in=[kind.slug for kind in kinds.of_provider(provider)])

    def check_due(self) -> Self:
        return self.active().filter(check_due_at__lte=DatabaseTime()).order_by("check_due_at")


class CredentialManager(models.Manager["Credential"]):
    """On a kind's class, selects that kind only."""

    def get_queryset(self) -> CredentialQuerySet:
        rows = CredentialQuerySet(self.model, using=self._db)
        return rows.filter(kind=self.model.slug) if self.model.slug else rows


class Credential(Leased, Monitored):
    """Access to one account at a provider. A row is loaded as its kind's class (`from_db`)."""

    entity, entity_title = "credential", "credential"

    # Declared by the kind.
    provider: ClassVar[str] = ""
    provider_title: ClassVar[str] = ""
    label: ClassVar[str] = ""
    slug: ClassVar[str] = ""
    properties_class: ClassVar[type[Properties]] = Properties
    identity_properties: ClassVar[tuple[str, ...]] = ()
    # Properties that name the account for people, best first. Empty: `identity_properties`.
    known_by: ClassVar[tuple[str, ...]] = ()
    rate: ClassVar[Rate] = Rate(allowed_requests=60, interval=60_000, max_concurrent_requests=4)
    rate_source: ClassVar[str] = ""
    plans: ClassVar[tuple[Plan, ...]] = ()
    rate_limit_signals: ClassVar[RateLimitSignals] = RateLimitSignals()
    refresh_pace: ClassVar[RefreshPace] = RefreshPace()
    oauth: ClassVar[OAuth2 | None] = None
    mints: ClassVar[bool] = False
    # Whether a kind with a flow also takes its secrets entered in a form.
    by_hand: ClassVar[bool] = False
    # The properties that decide to which host the secrets are sent.
    destination_properties: ClassVar[tuple[str, ...]] = ()
    # Whether the provider's host comes from what the customer entered.
    host_is_theirs: ClassVar[bool] = False
    # Whether the provider opens our install URL when somebody installs the app there.
    installs: ClassVar[bool] = False
    # The collections that every account has, where they are not listed by the provider's API.
    catalogue: ClassVar[tuple[CollectionSchema, ...]] = ()
    docs_url: ClassVar[str] = ""
    guide: ClassVar[tuple[str, ...]] = ()

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="credentials")
    kind = models.CharField(max_length=40, choices=kinds.choices, editable=False)
    name = models.CharField(max_length=NAME_CHARS)
    oauth_app = models.ForeignKey(
        OAuthApp, models.PROTECT, null=True, blank=True, related_name="credentials"
    )
    # NULL while unknown: NULLs never clash in the unique constraints below.
    identity = models.CharField(max_length=IDENTITY_CHARS, null=True, editable=False)  # noqa: DJ001
    properties = models.JSONField(default=dict, editable=False)
    secrets = EncryptedJSONField(
        scope="credential",
        bind=("organization_id", "id", "kind", "destination"),
        bind_columns=("organization_id", "id", "kind", "properties"),
    )
    # Which secrets are set, so that showing asterisks needs no decryption.
    secret_names = models.JSONField(default=list, editable=False)
    # See `digest_of()`.
    secrets_digest = models.CharField(max_length=64, blank=True, default="", editable=False)
    secrets_changed_at = models.DateTimeField(default=clock.now, editable=False)
    metadata = models.JSONField(default=dict, blank=True, validators=[validate_metadata])
    # The customer's contact for what only the customer can fix.
    contact_email = models.EmailField(blank=True, default="")
    disabled_at = models.DateTimeField(null=True, editable=False)
    queue = models.GeneratedField(
        expression=queue_expression("organization", "kind", "oauth_app"),
        output_field=models.CharField(max_length=QUEUE_CHARS),
        db_persist=True,
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CredentialManager.from_queryset(CredentialQuerySet)()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "kind", "identity", "oauth_app"),
                name="credential_once_per_app",
            ),
            models.UniqueConstraint(
                fields=("organization", "kind", "identity"),
                name="credential_once",
                condition=models.Q(oauth_app=None),
            ),
        )
        indexes = (
            *list_indexes("credential"),
            models.Index(fields=("organization", "health_status"), name="credential_health"),
            models.Index(fields=("check_due_at",), name="credential_check_due"),
            models.Index(fields=("queue", "check_due_at"), name="credential_queue"),
            models.Index(
                fields=("lease_until",),
                name="credential_leased",
                condition=models.Q(lease_until__isnull=False),
            ),
            models.Index(fields=("organization", "secrets_digest"), name="credential_secrets"),
        )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Put a net around each method of a kind that reads answers."""
        super().__init_subclass__(**kwargs)
        for name in set(answers.READERS) & set(vars(cls)):
            setattr(cls, name, answers.netted(vars(cls)[name]))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.slug and "kind" in self.__dict__ and not self.kind:
            self.kind = self.slug

    def __str__(self) -> str:
        return self.name

    @transaction.atomic(savepoint=False)
    def save(self, *args: Any, **kwargs: Any) -> None:
        columns = kwargs.get("update_fields")
        if columns is None or "properties" in columns:
            columns = self.prepare_move(columns)
        if columns is None or "secrets" in columns:
            self.update_secret_columns()
            kwargs["update_fields"] = columns and {*columns, "secret_names", "secrets_digest"}
        super().save(*args, **kwargs)

    def prepare_move(self, columns: Iterable[str] | None) -> Iterable[str] | None:
        """If the destination changes, encrypt the secrets for the new one with the same save.

        Returns the columns to save. Secrets that the caller does not save are those stored now.
        """
        if self._state.adding or not self.destination_properties:
            return columns
        before = Credential.objects.select_for_update().filter(pk=self.pk).first()
        if before is None or before.destination == self.destination:
            return columns
        destination_changed.send(sender=Credential, before=before, after=self)
        if columns is None or "secrets" in columns:
            return columns
        self.secrets = dict(before.secrets)
        return {*columns, "secrets"}

    def refresh_from_db(  # type: ignore[override]
        self, using: Any = None, fields: Any = None, **kwargs: Any
    ) -> None:
        """The properties never without the secrets, which are encrypted for them."""
        if fields is not None and "properties" in fields:
            fields = [*fields, "secrets"]
        super().refresh_from_db(using=using, fields=fields, **kwargs)

    @property
    def destination(self) -> str:
        """What decides where the secrets are sent: they are encrypted with it."""
        names = getattr(kinds.get(self.kind), "destination_properties", ())
        return " ".join(f"{name}={self.properties.get(name)}" for name in names)

    @property
    def queue_name(self) -> str:
        """The column `queue`, also of a row that is not stored yet."""
        return queue_name(self.organization_id, self.kind, self.oauth_app_id)

    def update_secret_columns(self) -> None:
        """Set the columns that describe the secrets without decrypting them. `save()` calls it."""
        self.secret_names = sorted(self.secrets)
        self.secrets_digest = self.digest_of(self.secrets)

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        """Load every row as its kind's proxy class: a Stripe key is a `StripeKey`."""
        credential = super().from_db(*args, **kwargs)
        credential.__class__ = kinds.get(credential.__dict__.get("kind")) or cls
        return credential

    def depends_on(self) -> Iterable[Monitored]:
        return [self.oauth_app] if self.oauth_app else ()

    def last_fixed_at(self) -> datetime:
        return self.secrets_changed_at

    def is_disabled(self) -> bool:
        return self.disabled_at is not None

    @classmethod
    def full_title(cls) -> str:
        return f"{cls.provider_title} {cls.label}"

    @classmethod
    def client_is_ours(cls) -> bool:
        return bool(cls.oauth and cls.oauth.client == "app")

    @classmethod
    def has_form(cls) -> bool:
        """Whether people enter its secrets here, instead of or besides a login at the provider."""
        return cls.oauth is None or cls.by_hand

    def can_reconnect(self) -> bool:
        """Whether all properties that a new connect session requires are known."""
        known = {*self.properties, *self.secret_names}
        return self.oauth is not None and known.issuperset(self.oauth.required_properties)

    @classmethod
    def identity_of(cls, properties: Mapping[str, Any]) -> str | None:
        """The unique identity of the account; None until every identity property is known."""
        parts = [properties.get(name) for name in cls.identity_properties]
        joined = " ".join(str(part) for part in parts)
        # Whatever its length, it must fit the column and stay unique.
        short = joined if len(joined) <= IDENTITY_CHARS else sha256(joined.encode()).hexdigest()
        return None if None in parts else short

    @classmethod
    def digest_of(cls, secrets: Mapping[str, Any]) -> str:
        """HMAC that identifies equal secrets while the account's identity is not known yet.

        Empty for kinds whose identity is entered with the secrets: two accounts may have the same
        password. Keyed with `SECRET_KEY`; after that is changed, secrets match once saved again.
        """
        options_of = cls.properties_class.options_of
        is_discovered = any(options_of(name).get("read_only") for name in cls.identity_properties)
        if not (is_discovered and secrets):
            return ""
        text = json.dumps(secrets, sort_keys=True)
        return salted_hmac("credential.secrets", text, algorithm="sha256").hexdigest()

    def parsed(self) -> Properties:
        """The parsed properties, secrets included. For the flow, never for a page."""
        return self.properties_class.model_validate(
            {"kind": self.kind, **self.properties, **self.secrets}
        )

    def masked_properties(self) -> dict[str, Any]:
        """The properties as the API returns them: in declared order, secrets as asterisks."""
        return dict(self.properties_with(dict.fromkeys(self.secret_names, MASK)))

    def properties_with(self, secrets: Mapping[str, str]) -> Secrets:
        known = Secrets({**self.properties, **secrets})
        names = (name for name in self.properties_class.names() if name in known)
        return Secrets({"kind": self.kind} | {name: known[name] for name in names})

    def describe(self) -> str:
        """A short name of the account, for lists and to distinguish two accounts."""
        return self.describe_account(self.properties)

    @classmethod
    def describe_account(cls, properties: Mapping[str, Any]) -> str:
        """As `describe()`, for properties without a credential. A readable name comes first."""
        names = cls.known_by or cls.identity_properties
        return " · ".join(str(properties[n]) for n in names if n in properties)

    def oauth_context(self) -> OAuthContext:
        """The context of a renewal. Raises `Refused` when the OAuth app is missing."""
        own = Secrets({**self.properties, **self.secrets})
        if self.client_is_ours():
            if self.oauth_app is None:
                raise Refused(outcomes.no_app(self.provider_title))
            return OAuthContext(self.oauth_app.client_id, self.oauth_app.url_params(), own)
        return OAuthContext(str(own.get("client_id", "")), {}, own)

    # What a kind may override. The defaults are those of the common case.

    def access_ends_at(self) -> datetime | None:
        """When access expires unless the customer grants it again; None when that is not known."""
        return None

    def access_life(self) -> timedelta | None:
        """How long access lives from grant to end; None when that is not known or is long."""
        return None

    def probe(self, token: str) -> Outcome:
        """Check the access token `token` with a call to the provider; returns the outcome."""
        raise NotImplementedError(f"{type(self).__name__} must say how it is probed.")

    def collections(self, token: str) -> tuple[CollectionSchema, ...]:
        """The account's collections, read from the provider where they differ. Raises `Refused`."""
        return self.catalogue

    def static_token(self) -> str:
        """The secret sent with each call, for kinds that neither refresh nor mint tokens."""
        return str(self.secrets.get(self.oauth.access_property, "")) if self.oauth else ""

    def mint(self) -> TokenGrant:
        """Get a new access token, for kinds with `mints`. Raises `Refused`."""
        raise NotImplementedError(f"{type(self).__name__} does not mint tokens.")

    def cannot_renew(self) -> Outcome:
        """The outcome of a rejected access token that can't be renewed."""
        return outcomes.customer(
            "not_accepted",
            f"{self.provider_title} does not accept this {self.label}.",
            "The customer must connect the account again or enter a new secret.",
            "You must connect the account again or enter a new secret.",
        )

    def outdated_token(self) -> str:
        """A hint for people when the token has an old format that `exchange_token()` replaces."""
        return ""

    def exchange_token(self) -> TokenGrant:
        """Exchange an old-format token for a new one; the old one is invalid after that. Raises
        `Refused`."""
        raise Refused(self.cannot_renew())

    def call_headers(self, token: str) -> Secrets:
        """Headers that authenticate one call of a sync worker."""
        return Secrets({"Authorization": f"Bearer {token}"})

    def call_fields(self) -> Secrets:
        """Form fields that authenticate one call, for kinds without a header."""
        return Secrets()

    def call_login(self) -> Secrets:
        """`username` and `password`, for kinds whose calls carry them in the request body."""
        return Secrets()

    def signing(self) -> Secrets:
        """OAuth 1.0 secrets to sign each call with (RFC 5849), for kinds that need them."""
        return Secrets()

    def base_url(self) -> str:
        """The base URL of a sync worker's calls."""
        return ""

    def revoke(self, token: str) -> None:
        """Revoke the access at the provider, where it supports that. Raises `Refused`.

        The row is deleted by then. `token` is a valid access token, or empty.
        """

    @classmethod
    def classify_token_error(cls, response: Any) -> Outcome:
        """The outcome of a token endpoint's error response."""
        return outcomes.token_error(
            response, cls.provider_title, client_is_ours=cls.client_is_ours()
        )

    @classmethod
    def classify_failure(cls, error: Exception) -> Outcome:
        """The outcome of a call that raised one of `FAILURES`; raises any other exception again."""
        if isinstance(error, Refused):
            return outcomes.unless_foreign(error.outcome, cls.provider_title)
        if isinstance(error, DecryptionError):
            return outcomes.unreadable(error)
        if isinstance(error, Unreachable):
            return cls.classify_unreachable(error)
        raise error

    @classmethod
    def classify_unreachable(cls, error: Unreachable) -> Outcome:
        """The outcome of a call without a response."""
        if cls.host_is_theirs and isinstance(error, UnknownHost):
            return outcomes.unknown_host(cls.provider_title, str(error))
        return outcomes.transient("unreachable", str(error))

    @classmethod
    def classify_callback_error(cls, params: Mapping[str, str]) -> Outcome:
        """The outcome of a callback with `error` instead of `code` (RFC 6749 section 4.1.2.1)."""
        return outcomes.callback_error(
            params.get("error", ""), cls.provider_title, client_is_ours=cls.client_is_ours()
        )

    @classmethod
    def parse_grant(cls, data: Mapping[str, Any]) -> TokenGrant:
        """Parse a token endpoint's members (RFC 6749 section 5.1), for `protocol.read_grant()`."""
        return TokenGrant(
            access_token=str(data["access_token"]),
            refresh_token=text_of(data.get("refresh_token")),
            expires_in_s=whole_seconds(data.get("expires_in")),
            scope=str(data.get("scope") or ""),
            raw=data,
        )

    @classmethod
    def properties_from_grant(cls, grant: TokenGrant) -> dict[str, Any]:
        """Property values (JSON) that every token response contains, such as the scope."""
        return {}

    @classmethod
    def properties_of_entered(cls, at: datetime) -> dict[str, Any]:
        """Property values (JSON) that follow from a refresh token entered at this time, where the
        provider does not say them."""
        return {}

    @classmethod
    def flow_for(cls, app: Mapping[str, Any]) -> OAuth2 | None:
        """The flow for an OAuth app with these properties: some providers have two types of app."""
        return cls.oauth

    @classmethod
    def url_params(cls, context: OAuthContext) -> dict[str, Any]:
        """Values for the `{placeholders}` of the flow's URLs."""
        return context.url_params

    @classmethod
    def check_callback(cls, context: OAuthContext) -> None:
        """Raise `Refused` for a callback with a wrong signature or of another account."""

    @classmethod
    def check_install(cls, params: Mapping[str, str], context: OAuthContext) -> dict[str, Any]:
        """Verify the provider's install request; returns values of `oauth.required_properties`.

        For kinds with `installs`. Raises `Refused`.
        """
        raise NotImplementedError(f"{cls.__name__} is not installed from the provider's side.")

    @classmethod
    def identify(cls, grant: TokenGrant, context: OAuthContext) -> dict[str, Any]:
        """Read the account's property values with a new grant. Raises `Refused`."""
        raise NotImplementedError(f"{cls.__name__} must say whose account it got.")

    @classmethod
    def suggest_name(cls, properties: Mapping[str, Any]) -> str:
        """The default name of a new credential; may be empty."""
        if cls.known_by:
            return str(next((properties[n] for n in cls.known_by if n in properties), ""))
        return " ".join(str(properties[n]) for n in cls.identity_properties if n in properties)


def text_of(value: Any) -> str:
    """The value if it is a text and not blank, else ""."""
    return value if isinstance(value, str) and value.strip() else ""


def whole_seconds(value: Any) -> int | None:
    """A lifetime in seconds, from a number or a text that spells one; None for anything else.

    At least 0 and at most 31 years. Fractions are dropped.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(seconds) else int(min(max(seconds, 0), LONGEST_LIFE_S))
