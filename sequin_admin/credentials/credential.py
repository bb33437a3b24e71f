"""The contract of a kind: what it declares, what it must do, and what it may override."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models

from sequin_admin.access.models import SearchedQuerySet
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.core.fields import DecryptionError, Secrets
from sequin_admin.core.http import Response, UnknownHost, Unreachable
from sequin_admin.core.search_language import Filter, by_id
from sequin_admin.credentials import answers, outcomes, registry
from sequin_admin.credentials.collections import CollectionSchema
from sequin_admin.credentials.declarations import (
    OAuth2,
    Plan,
    Rate,
    RateLimitSignals,
    RefreshPace,
    TokenGrant,
)
from sequin_admin.credentials.outcomes import Outcome, Refused
from sequin_admin.credentials.provider_changes import ProviderChange
from sequin_admin.credentials.row import CredentialRow
from sequin_admin.credentials.search_filters import (
    by_change_of_kind,
    by_kind,
    by_provider_of_kind,
    by_status,
)

# What a call to a provider may raise; `Credential.classify_failure()` returns the outcome of each.
FAILURES = (Refused, Unreachable, DecryptionError)


class CredentialQuerySet(SearchedQuerySet["Credential"]):
    """Credentials by provider, and those whose check is due."""

    search_filters: ClassVar[Mapping[str, Filter]] = {
        "change": by_change_of_kind,
        "id": by_id,
        "kind": by_kind,
        "provider": by_provider_of_kind,
        "status": by_status(can_be_disabled=True),
    }

    def active(self) -> Self:
        return self.filter(disabled_at=None)

    def of_provider(self, provider: str) -> Self:
        slugs = [slug for slug, kind in registry.registered.items() if kind.provider == provider]
        return self.filter(kind__in=sorted(slugs))

    def check_due(self) -> Self:
        return self.active().filter(check_due_at__lte=DatabaseTime()).order_by("check_due_at")


class CredentialManager(models.Manager["Credential"]):
    """On a kind's class, selects that kind only; on a base, the kinds that derive from it."""

    def get_queryset(self) -> CredentialQuerySet:
        rows, known = CredentialQuerySet(self.model, using=self._db), registry.registered
        if not self.model._meta.proxy:
            return rows
        return rows.filter(kind__in=sorted(s for s in known if issubclass(known[s], self.model)))


class Credential(CredentialRow):
    """Access to one account at a provider. A row is loaded as its kind's class (`from_db`)."""

    # Properties that name the account for people, best first. Empty: `identity_properties`.
    known_by: ClassVar[tuple[str, ...]] = ()
    rate: ClassVar[Rate] = Rate(allowed_requests=60, interval=60_000, max_concurrent_requests=4)
    rate_source: ClassVar[str] = "Not published; a careful guess."
    plans: ClassVar[tuple[Plan, ...]] = ()
    rate_limit_signals: ClassVar[RateLimitSignals] = RateLimitSignals()
    refresh_pace: ClassVar[RefreshPace] = RefreshPace()
    # What lists and pages say of a secret that is not renewed.
    lasting_words: ClassVar[str] = "sent as it is"
    lasting_sentence: ClassVar[str] = "Its secret is sent with every call; nothing is renewed."
    # How an `OAuthKind` is connected; None for the others.
    oauth: ClassVar[OAuth2 | None] = None
    # The collections that every account has, where they are not listed by the provider's API.
    catalogue: ClassVar[tuple[CollectionSchema, ...]] = ()
    # What will change at the provider, and which of its credentials that touches.
    changes: ClassVar[tuple[ProviderChange, ...]] = ()
    # Without one, `defaults.py` has what holds at every provider.
    docs_url: ClassVar[str] = ""
    guide: ClassVar[tuple[str, ...]] = ()
    # What the customer allows, where no scopes say it.
    consent: ClassVar[tuple[str, ...]] = ()

    # How its probe ended before it was saved: the same call would only be made once more.
    probed: outcomes.DraftProbe | None = None
    objects = CredentialManager.from_queryset(CredentialQuerySet)()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Put a net around each method of a kind that reads answers, and evidence into outcomes."""
        super().__init_subclass__(**kwargs)
        for name in set(answers.READERS) & set(vars(cls)):
            setattr(cls, name, answers.netted(vars(cls)[name]))
        for name in set(answers.CLASSIFIERS) & set(vars(cls)):
            setattr(cls, name, answers.evident(vars(cls)[name]))

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        """Load every row as its kind's proxy class: a Stripe key is a `StripeKey`."""
        credential = super().from_db(*args, **kwargs)
        credential.loaded()
        return credential

    def loaded(self) -> None:
        """Become of the kind's class: also called by `core.prepared`."""
        kind = registry.registered.get(self.__dict__.get("kind", ""))
        self.__class__ = kind or type(self)

    @classmethod
    def full_title(cls) -> str:
        return f"{cls.provider_title} {cls.label}"

    @classmethod
    def client_is_ours(cls) -> bool:
        """Whether it is connected through an OAuth app of ours."""
        return False

    @classmethod
    def has_form(cls) -> bool:
        """Whether people enter its secrets here, instead of or besides a login at the provider."""
        return True

    @classmethod
    def host_is_theirs(cls) -> bool:
        """Whether the customer enters, as text, at which host the provider is."""
        fields = cls.properties_class.model_fields
        entered = (fields[name].annotation is str for name in cls.destination_properties)
        return any(entered) and not cls.client_is_ours()

    def is_connected(self) -> bool:
        """Whether we have what its calls or tokens are made with. Nothing is decrypted."""
        return bool(self.secret_names)

    def can_reconnect(self) -> bool:
        """Whether all properties that a new connect session requires are known."""
        return False

    def describe(self) -> str:
        """A short name of the account, for lists and to distinguish two accounts."""
        return self.describe_account(self.properties)

    @classmethod
    def describe_account(cls, properties: Mapping[str, object]) -> str:
        """As `describe()`, for properties without a credential. A readable name comes first."""
        names = cls.known_by or cls.identity_properties
        return " · ".join(str(properties[n]) for n in names if n in properties)

    # What a kind may override, as `access_ends_at()` and `access_life()` of the row. The defaults
    # are those of the common case.

    def probe(self, token: str) -> Outcome:
        """Check the access token `token` with a call to the provider; returns the outcome."""
        raise NotImplementedError(f"{type(self).__name__} must say how it is probed.")

    def collections(self, token: str) -> tuple[CollectionSchema, ...]:
        """The account's collections, read from the provider where they differ. Raises `Refused`."""
        return self.catalogue

    def static_token(self) -> str:
        """The secret sent with each call, for kinds that neither refresh nor mint tokens."""
        return ""

    def outdated_token(self) -> str:
        """A hint for people when the token has an old format that `exchange_token()` replaces."""
        return ""

    @classmethod
    def mints_tokens(cls) -> bool:
        """Whether its access tokens are made with the client's own secret by `mint()`."""
        return False

    def mint(self) -> TokenGrant:
        """Get a new access token. Raises `Refused`."""
        raise NotImplementedError(f"{type(self).__name__} must say how its tokens are made.")

    def cannot_renew(self) -> Outcome:
        """The outcome of a rejected access token that can't be renewed."""
        return outcomes.customer(
            "not_accepted",
            f"{self.provider_title} does not accept this {self.label}.",
            "The customer must connect the account again or enter a new secret.",
            "You must connect the account again or enter a new secret.",
        )

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
    def classify(cls, response: Response) -> Outcome:
        """The outcome of an API call's response, by status. Kinds put their own rules first."""
        if response.status == 401:
            message = f"{cls.provider_title} refuses the access token."
            return outcomes.expired("unauthorized", message).with_evidence(response)
        return outcomes.by_status(response, cls.provider_title)

    @classmethod
    def discover(
        cls, response: Response, read: Callable[[Response], Mapping[str, object]]
    ) -> Outcome:
        """The outcome of a call; when it succeeded, with the property values that `read` finds in
        its response."""
        outcome = cls.classify(response)
        return outcome.knowing(**read(response)) if outcome.ok else outcome

    @classmethod
    def require_ok(cls, response: Response) -> Response:
        """The response of a call that succeeded. Raises `Refused` for any other."""
        outcome = cls.classify(response)
        if not outcome.ok:
            raise Refused(outcome)
        return response

    @classmethod
    def classify_token_error(cls, response: Response) -> Outcome:
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
        if cls.host_is_theirs() and isinstance(error, UnknownHost):
            return outcomes.unknown_host(cls.provider_title, str(error))
        return outcomes.transient("unreachable", str(error))

    @classmethod
    def parse_grant(cls, data: Mapping[str, object]) -> TokenGrant:
        """Parse a token endpoint's members (RFC 6749 section 5.1), for `protocol.read_grant()`."""
        return TokenGrant(
            access_token=str(data["access_token"]),
            refresh_token=answers.text_of(data.get("refresh_token")),
            expires_in_s=answers.whole_seconds(data.get("expires_in")),
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
    def suggest_name(cls, properties: Mapping[str, object]) -> str:
        """The default name of a new credential; may be empty."""
        if cls.known_by:
            return str(next((properties[n] for n in cls.known_by if n in properties), ""))
        return " ".join(str(properties[n]) for n in cls.identity_properties if n in properties)
