"""The heart: credentials, and the OAuth apps that some of them were made with."""

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, ClassVar, Self

from django.db import models
from django.utils.crypto import salted_hmac

from sequin_admin.access.models import Findable, Organization
from sequin_admin.core import clock
from sequin_admin.core.fields import DecryptionError, EncryptedJSONField
from sequin_admin.core.http import UnknownHost, Unreachable
from sequin_admin.credentials import kinds, outcomes
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

IDENTITY_CHARS = 300
# What may end a call to a provider; `Credential.classify_failure()` says what each means.
FAILURES = (Refused, Unreachable, DecryptionError)
NAME_CHARS = 200


def list_indexes(table: str, called: str = "name") -> tuple[models.Index, ...]:
    """One for each order of a list, so that a page costs the same in a table of any size."""
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
    """What health keeps on the row itself, so that lists filter and sort without a join.

    `health_status` is empty until the first check; `health_note` is one sentence for people. Every
    watched model has an `organization`, a `provider` ("" where there is none) and a UUID.
    """

    # What it is: as `health` stores it, and for people.
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
        """The rows without which this one can't work: it takes over their troubles."""
        return ()

    def last_fixed_at(self) -> datetime | None:
        """When somebody last replaced what may have been wrong with it."""
        return None

    def is_disabled(self) -> bool:
        """Whether people have put it aside, so that nothing of it can be trouble."""
        return False


class OAuthApp(Monitored):
    """Our registration at a provider. `secrets` holds the client secret, GitHub's private key..."""

    entity, entity_title = "oauth_app", "OAuth app"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="oauth_apps")
    provider = models.CharField(max_length=40)
    name = models.CharField(max_length=100)
    client_id = models.CharField("client ID", max_length=200)
    properties = models.JSONField(default=dict, blank=True)
    secrets = EncryptedJSONField(scope="oauth_app", bind=("id", "provider"))
    secrets_changed_at = models.DateTimeField(default=clock.now, editable=False)
    scopes = models.JSONField(default=list, blank=True)
    redirect_uris = models.JSONField("redirect URIs", default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
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
        """How its round trip goes. Raises `LookupError` for a provider without one."""
        kind = kinds.with_app(self.provider)
        if kind is None:
            raise LookupError(f"{self.provider} has no OAuth app of ours.")
        flow: OAuth2 = kind.flow_for(self.properties)
        return flow

    @property
    def properties_class(self) -> type[AppProperties]:
        return self.flow.app

    @property
    def asked_scopes(self) -> tuple[str, ...]:
        """What people are asked to allow: the app's own scopes, or the usual ones of its flow."""
        return tuple(self.scopes) or self.flow.scopes

    def last_fixed_at(self) -> datetime:
        return self.secrets_changed_at

    def url_params(self) -> dict[str, Any]:
        """Everything the flow may need of the app, secrets included. Never show it."""
        return {**self.properties, **self.secrets}


class CredentialQuerySet(Findable["Credential"]):
    found_by = ("name", "identity")

    def active(self) -> Self:
        return self.filter(disabled_at=None)

    def of_provider(self, provider: str) -> Self:
        return self.filter(kind__in=[kind.slug for kind in kinds.of_provider(provider)])

    def check_due(self, at: datetime) -> Self:
        return self.active().filter(check_due_at__lte=at).order_by("check_due_at")


class CredentialManager(models.Manager["Credential"]):
    def get_queryset(self) -> CredentialQuerySet:
        rows = CredentialQuerySet(self.model, using=self._db)
        return rows.filter(kind=self.model.slug) if self.model.slug else rows


class Credential(Monitored):
    """How we get into one account at a provider. A row comes back as its kind (`from_db`)."""

    entity, entity_title = "credential", "credential"

    # Declared by the kind.
    provider: ClassVar[str] = ""
    provider_title: ClassVar[str] = ""
    label: ClassVar[str] = ""
    slug: ClassVar[str] = ""
    properties_class: ClassVar[type[Properties]] = Properties
    identity_properties: ClassVar[tuple[str, ...]] = ()
    # What people know the account by, best name first. Empty: the identity.
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
    # Whether the provider's host comes from what the customer entered.
    host_is_theirs: ClassVar[bool] = False
    # Whether the provider opens an address of ours when somebody installs the app there.
    installs: ClassVar[bool] = False
    # The well-known collections of every account, where the provider is not asked for them.
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
    secrets = EncryptedJSONField(scope="credential", bind=("id", "kind"))
    # Which secrets are set, so that showing asterisks needs no decryption.
    secret_names = models.JSONField(default=list, editable=False)
    # See `digest_of()`.
    secrets_digest = models.CharField(max_length=64, blank=True, default="", editable=False)
    secrets_changed_at = models.DateTimeField(default=clock.now, editable=False)
    metadata = models.JSONField(default=dict, blank=True)
    # Whom to ask, on the customer's side, for what only the customer can mend.
    contact_email = models.EmailField(blank=True, default="")
    disabled_at = models.DateTimeField(null=True, editable=False)
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
            models.Index(fields=("organization", "secrets_digest"), name="credential_secrets"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.slug and "kind" in self.__dict__ and not self.kind:
            self.kind = self.slug

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        columns = kwargs.get("update_fields")
        if columns is None or "secrets" in columns:
            self.remember_secrets()
            kwargs["update_fields"] = columns and {*columns, "secret_names", "secrets_digest"}
        super().save(*args, **kwargs)

    def remember_secrets(self) -> None:
        """Keep what must be known of them without decrypting. Done by `save()`."""
        self.secret_names = sorted(self.secrets)
        self.secrets_digest = self.digest_of(self.secrets)

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        """Hand every row out as its kind: a Stripe key is a `StripeKey`."""
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
        """Whether all is known that a new trip to the provider has to ask before."""
        known = {*self.properties, *self.secret_names}
        return self.oauth is not None and known.issuperset(self.oauth.required_properties)

    @classmethod
    def identity_of(cls, properties: Mapping[str, Any]) -> str | None:
        """What makes two imports the same account; None until every part is known."""
        parts = [properties.get(name) for name in cls.identity_properties]
        joined = " ".join(str(part) for part in parts)
        # Whatever its length, it must fit the column and stay unique.
        short = joined if len(joined) <= IDENTITY_CHARS else sha256(joined.encode()).hexdigest()
        return None if None in parts else short

    @classmethod
    def digest_of(cls, secrets: Mapping[str, Any]) -> str:
        """Finds a key again while the provider has not told yet whose it is.

        Empty for kinds whose account is named beside the secrets: passwords may be alike. Keyed
        with `SECRET_KEY`; after that was changed, keys are found when they were saved anew.
        """
        declared = cls.properties_class.declared
        tells = any(declared(name).get("read_only") for name in cls.identity_properties)
        if not (tells and secrets):
            return ""
        text = json.dumps(secrets, sort_keys=True)
        return salted_hmac("credential.secrets", text, algorithm="sha256").hexdigest()

    def parsed(self) -> Properties:
        """The properties as their class, secrets included. For the flow, never for a page."""
        return self.properties_class.model_validate(
            {"kind": self.kind, **self.properties, **self.secrets}
        )

    def masked_properties(self) -> dict[str, Any]:
        """As the API shows them: the specification's names in order, secrets as asterisks."""
        return self.properties_with(dict.fromkeys(self.secret_names, MASK))

    def properties_with(self, secrets: Mapping[str, str]) -> dict[str, Any]:
        known = {**self.properties, **secrets}
        names = (name for name in self.properties_class.names() if name in known)
        return {"kind": self.kind} | {name: known[name] for name in names}

    def describe(self) -> str:
        """The account in a few words, for lists and for telling two accounts apart."""
        return self.describe_account(self.properties)

    @classmethod
    def describe_account(cls, properties: Mapping[str, Any]) -> str:
        """`describe()` of properties that are no credential yet. A readable name comes first."""
        names = cls.known_by or cls.identity_properties
        return " · ".join(str(properties[n]) for n in names if n in properties)

    def context(self) -> OAuthContext:
        """What a renewal knows: the client, ours or the customer's, and the account."""
        own = {**self.properties, **self.secrets}
        if self.client_is_ours():
            if self.oauth_app is None:
                raise Refused(outcomes.no_app(self.provider_title))
            return OAuthContext(self.oauth_app.client_id, self.oauth_app.url_params(), own)
        return OAuthContext(str(own.get("client_id", "")), {}, own)

    # What a kind answers. The base answers are those of the common case.

    def access_ends_at(self) -> datetime | None:
        """When all access ends unless the customer grants it anew; None when that is not known."""
        return None

    def probe(self, token: str) -> Outcome:
        """Ask the provider who we are. `token` is what `tokens.current()` gave."""
        raise NotImplementedError(f"{type(self).__name__} must say how it is probed.")

    def collections(self, token: str) -> tuple[CollectionSchema, ...]:
        """What the account holds; asked of the provider where accounts differ. May be `Refused`."""
        return self.catalogue

    def static_token(self) -> str:
        """The secret that is sent with each call by kinds that neither refresh nor mint."""
        return str(self.secrets.get(self.oauth.access_property, "")) if self.oauth else ""

    def mint(self) -> TokenGrant:
        """A fresh access token for kinds with `mints`. Raises `Refused`."""
        raise NotImplementedError(f"{type(self).__name__} does not mint tokens.")

    def cannot_renew(self) -> Outcome:
        """What a refused access token means where nothing is there to renew it."""
        return outcomes.customer(
            "not_accepted",
            f"{self.provider_title} does not accept this {self.label}.",
            "The customer must connect the account again or enter a new secret.",
        )

    def outdated_token(self) -> str:
        """What to know when the token is of an old sort that `exchange_token()` replaces."""
        return ""

    def exchange_token(self) -> TokenGrant:
        """A token of the new sort for one of the old, which ends by that. Raises `Refused`."""
        raise Refused(self.cannot_renew())

    def call_headers(self, token: str) -> dict[str, str]:
        """Headers that authenticate one call of a sync worker."""
        return {"Authorization": f"Bearer {token}"}

    def call_fields(self) -> dict[str, str]:
        """Form fields that authenticate one call, for kinds without a header."""
        return {}

    def call_login(self) -> dict[str, str]:
        """`username` and `password`, for kinds that put them into an envelope of their own."""
        return {}

    def signing(self) -> dict[str, str]:
        """What a sync worker signs each of its calls with (RFC 5849), for kinds that need that."""
        return {}

    def base_url(self) -> str:
        """Where a sync worker sends its calls."""
        return ""

    def revoke(self, token: str) -> None:
        """Give the access back at the provider, where it offers that. Raises `Refused`."""

    @classmethod
    def classify_token_error(cls, response: Any) -> Outcome:
        """The outcome of a token endpoint's refusal."""
        return outcomes.token_error(
            response, cls.provider_title, client_is_ours=cls.client_is_ours()
        )

    @classmethod
    def classify_failure(cls, error: Exception) -> Outcome:
        """The outcome of whatever in `FAILURES` ended a call."""
        if isinstance(error, Refused):
            return error.outcome
        if isinstance(error, DecryptionError):
            return outcomes.unreadable(error)
        if isinstance(error, Unreachable):
            return cls.classify_unreachable(error)
        raise error

    @classmethod
    def classify_unreachable(cls, error: Unreachable) -> Outcome:
        """The outcome of a call that got no answer at all."""
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
    def read_grant(cls, data: Mapping[str, Any]) -> TokenGrant:
        """A token endpoint's JSON as a `Grant` (RFC 6749 section 5.1)."""
        return TokenGrant(
            access_token=str(data["access_token"]),
            refresh_token=str(data.get("refresh_token") or ""),
            expires_in_s=whole_seconds(data.get("expires_in")),
            scope=str(data.get("scope") or ""),
            raw=data,
        )

    @classmethod
    def properties_from_grant(cls, grant: TokenGrant) -> dict[str, Any]:
        """JSON values of properties that every fresh token tells anew, such as its scope."""
        return {}

    @classmethod
    def flow_for(cls, app: Mapping[str, Any]) -> OAuth2 | None:
        """The flow for an OAuth app of these properties: some providers have two sorts of app."""
        return cls.oauth

    @classmethod
    def url_params(cls, context: OAuthContext) -> dict[str, Any]:
        """Values for the `{placeholders}` of the flow's addresses."""
        return context.url_params

    @classmethod
    def check_callback(cls, context: OAuthContext) -> None:
        """Refuse a callback that the provider did not sign or that names another account."""

    @classmethod
    def check_install(cls, params: Mapping[str, str], context: OAuthContext) -> dict[str, Any]:
        """Values of what the flow asks, from an install request that is proven to come from the
        provider; for kinds with `installs`. Raises `Refused`."""
        raise NotImplementedError(f"{cls.__name__} is not installed from the provider's side.")

    @classmethod
    def identify(cls, grant: TokenGrant, context: OAuthContext) -> dict[str, Any]:
        """Property values of a fresh grant, read from the provider. Raises `Refused`."""
        raise NotImplementedError(f"{cls.__name__} must say whose account it got.")

    @classmethod
    def suggest_name(cls, properties: Mapping[str, Any]) -> str:
        """A name for a new credential when nobody gave one."""
        if cls.known_by:
            return str(next((properties[n] for n in cls.known_by if n in properties), ""))
        return " ".join(str(properties[n]) for n in cls.identity_properties if n in properties)


def whole_seconds(value: Any) -> int | None:
    """A lifetime as providers write it, number or text; None for anything else."""
    text = str(value)
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
