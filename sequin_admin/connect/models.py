"""Connect links, authorization requests and connect sessions."""

import hmac
import uuid
from datetime import datetime
from typing import Any, Self

from django.db import models

from sequin_admin.access.models import ApiKey, Organization, OwnedQuerySet, User
from sequin_admin.core import clock
from sequin_admin.core.fields import EncryptedJSONField
from sequin_admin.core.leases import Leased
from sequin_admin.core.metadata import validate_metadata
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp


class LinkState(models.TextChoices):
    """Lifecycle state of a connect link, with the tone and icon it is shown with."""

    CREATED = "created", "Not opened yet"
    OPENED = "opened", "Opened"
    FAILED = "failed", "Failed"
    COMPLETED = "completed", "Completed"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Revoked"

    @property
    def tone(self) -> str:
        return {"completed": "good", "failed": "bad", "opened": "warn"}.get(self, "idle")

    @property
    def icon(self) -> str:
        return {
            "created": "envelope",
            "opened": "eye",
            "failed": "exclamation-triangle",
            "completed": "check-circle",
            "expired": "clock",
            "revoked": "no-symbol",
        }[self]


# In any other state a link still works.
ENDED = (LinkState.COMPLETED, LinkState.REVOKED, LinkState.EXPIRED)


def is_open(at: datetime) -> models.Q:
    return models.Q(completed_at=None, revoked_at=None, expires_at__gt=at)


def states(at: datetime) -> dict[LinkState, models.Q]:
    """The filter of each state at that time. Must agree with `ConnectLink.state`."""
    untried = is_open(at) & models.Q(failure="")
    return {
        LinkState.COMPLETED: models.Q(completed_at__isnull=False),
        LinkState.REVOKED: models.Q(completed_at=None, revoked_at__isnull=False),
        LinkState.EXPIRED: models.Q(completed_at=None, revoked_at=None, expires_at__lte=at),
        LinkState.FAILED: is_open(at) & ~models.Q(failure=""),
        LinkState.OPENED: untried & models.Q(opened_at__isnull=False),
        LinkState.CREATED: untried & models.Q(opened_at=None),
    }


class ConnectLinkQuerySet(OwnedQuerySet["ConnectLink"]):
    """Connect links by state."""

    def open(self, at: datetime) -> Self:
        return self.filter(is_open(at))

    def in_state(self, state: str, at: datetime) -> Self:
        return self.filter(states(at)[LinkState(state)])

    def by_state(self, at: datetime) -> dict[LinkState, int]:
        """Number of links by state, in one query."""
        counts = {state: models.Count("pk", filter=which) for state, which in states(at).items()}
        found = self.aggregate(**{state.value: count for state, count in counts.items()})
        return {state: found[state.value] for state in LinkState}

    def with_page_relations(self) -> Self:
        """Joined with the rows that the customer's pages show."""
        return self.select_related("organization", "oauth_app", "reconnects__oauth_app")


class ConnectLink(models.Model):
    """An invitation to connect one account, for a customer who has no login here.

    The token authorizes its holder to connect one of `kinds` (all of one `provider`), once.
    `secrets` holds the token while the link is open, so that its URL can be copied again.
    `created_by` is the person who made it, also when that was done with an API key of theirs.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="connect_links")
    provider = models.CharField(max_length=40, editable=False)
    kinds = models.JSONField(editable=False)
    oauth_app = models.ForeignKey(
        OAuthApp, models.CASCADE, null=True, related_name="connect_links", editable=False
    )
    reconnects = models.ForeignKey(
        Credential, models.CASCADE, null=True, related_name="reconnect_links", editable=False
    )
    name = models.CharField(max_length=200, blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True, validators=[validate_metadata])
    redirect_url = models.CharField(max_length=2000, blank=True, default="", editable=False)
    batch = models.UUIDField(null=True, editable=False)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    secrets = EncryptedJSONField(
        scope="connect_link", bind=("organization_id", "id", "provider", "redirect_url")
    )
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="connect_links")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    opened_at = models.DateTimeField(null=True, editable=False)
    failure = models.CharField(max_length=500, blank=True, default="", editable=False)
    failed_at = models.DateTimeField(null=True, editable=False)
    completed_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    credential = models.ForeignKey(
        Credential, models.SET_NULL, null=True, related_name="came_by_links", editable=False
    )

    objects = ConnectLinkQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=("organization", "-created_at", "-id"), name="link_newest"),
            models.Index(fields=("organization", "batch"), name="link_batch"),
        )

    def __str__(self) -> str:
        return f"Connect link for {self.name or self.reconnects or self.provider_title}"

    def message_path(self, action: str) -> str:
        return f"/connect-links/{self.pk}/"

    def message_data(self, action: str, details: dict[str, Any]) -> dict[str, Any]:
        connected = self.credential_id or self.reconnects_id
        return {
            "provider": self.provider,
            "kinds": self.kinds,
            "credential_id": str(connected) if connected else None,
            "metadata": self.metadata,
        }

    @property
    def provider_title(self) -> str:
        return kinds.title_of(self.provider)

    @property
    def offered(self) -> list[type[Credential]]:
        """The kinds to choose from; one that is no longer known is left out."""
        return [kind for kind in map(kinds.find, self.kinds) if kind]

    @property
    def state(self) -> LinkState:
        """The current state. Must agree with `states()`."""
        if self.completed_at:
            return LinkState.COMPLETED
        if self.revoked_at:
            return LinkState.REVOKED
        if self.expires_at <= clock.now():
            return LinkState.EXPIRED
        if self.failure:
            return LinkState.FAILED
        return LinkState.OPENED if self.opened_at else LinkState.CREATED

    @property
    def is_open(self) -> bool:
        return self.state not in ENDED


class BatchAction(models.TextChoices):
    """What is done for many credentials at once."""

    RECONNECT = "reconnect", "Create reconnect links"
    LIMIT = "limit", "Set a rate limit"


class Batch(Leased):
    """One bulk action. The worker does it piece by piece while `created_by` has the right to.

    `options` are of the action: `days` of the links, or a rate. `query` finds the list that it was
    started from. `withdrawn_at` says that it was stopped, and its open links are revoked. It has
    finished when nothing is left to do; `failure` says what kept it from the rest.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="batches")
    action = models.CharField(max_length=20, choices=BatchAction, editable=False)
    options = models.JSONField(default=dict, editable=False)
    query = models.TextField(blank=True, default="", editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="batches")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    withdrawn_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    failure = models.CharField(max_length=500, blank=True, default="", editable=False)

    objects = OwnedQuerySet["Batch"].as_manager()

    class Meta:
        indexes = (
            models.Index(
                fields=("created_at",), condition=models.Q(finished_at=None), name="batch_due"
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_action_display()} ({self.created_at:%Y-%m-%d %H:%M})"

    @property
    def makes_links(self) -> bool:
        return self.action == BatchAction.RECONNECT


class BatchItem(models.Model):
    """One credential of a batch. `reason` says why it was left out."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="items")
    credential = models.ForeignKey(Credential, models.CASCADE, related_name="+")
    done_at = models.DateTimeField(null=True, editable=False)
    reason = models.CharField(max_length=500, blank=True, default="", editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("batch", "credential"), name="batch_item_once"),
        )
        indexes = (models.Index(fields=("batch", "done_at", "id"), name="batch_item_next"),)

    def __str__(self) -> str:
        return f"{self.credential} of {self.batch}"


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

    def __str__(self) -> str:
        return f"{self.kind} authorization request of {self.created_at:%Y-%m-%d %H:%M}"


class ConnectSession(models.Model):
    """One run of a provider's authorization code flow. Of `state` only the SHA-256 is stored.

    It belongs to a person who is logged in (`user`), a customer with a `link`, or a browser that
    another product sent (`authorization_request`), and only the same browser session can finish
    it. `secrets` holds the PKCE verifier and the inputs from before the redirect. It finishes
    once: with a credential, or with a message in `failure`, the one for a customer with a link in
    `customer_failure`, the RFC 6749 code in `error`, and the answer that it is about, without
    secrets, in `evidence`.
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
    name = models.CharField(max_length=200, blank=True, default="")
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

    def __str__(self) -> str:
        return f"{self.kind} connect session of {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def actor(self) -> models.Model | None:
        """The actor of the audit events of its result."""
        return self.user or self.link or self.authorization_request

    def belongs_to(self, user: User | None, session_digest: str) -> bool:
        """Whether this browser session started it, as the same user if it has one."""
        same_browser = hmac.compare_digest(self.session_digest, session_digest)
        return same_browser and self.user_id in (None, user.pk if user else None)
