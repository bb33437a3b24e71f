"""Connect links and their states."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models

from sequin_admin.access.models import (
    Organization,
    RowText,
    SearchedQuerySet,
    SearchedRow,
    User,
)
from sequin_admin.core import clock
from sequin_admin.core.fields import EncryptedJSONField
from sequin_admin.core.languages import CODE_CHARS, LANGUAGES
from sequin_admin.core.metadata import validate_metadata
from sequin_admin.core.names import NameColumn
from sequin_admin.core.search_language import Filter, by_id
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.search_filters import by_provider


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


# Neither used nor revoked.
NOT_CLOSED = models.Q(completed_at=None, revoked_at=None)


def is_open(at: datetime) -> models.Q:
    return NOT_CLOSED & models.Q(expires_at__gt=at)


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


class ConnectLinkQuerySet(SearchedQuerySet["ConnectLink"]):
    """Connect links by state."""

    search_filters: ClassVar[Mapping[str, Filter]] = {"id": by_id, "provider": by_provider}

    def not_closed(self) -> Self:
        return self.filter(NOT_CLOSED)

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


class ConnectLink(SearchedRow):
    """An invitation to connect one account, for a customer who has no login here.

    The token authorizes its holder to connect one of `kinds` (all of one `provider`), once.
    `secrets` holds the token while the link is open, so that its URL can be copied again.
    `created_by` is the person who made it, also when that was done with an API key of theirs.
    `language` is that of the customer; empty, their browser's. `contact_email` is that of the
    credential to come; a link that reconnects has its credential's. `remind_at` is when the contact
    is reminded, if the link is open then.
    """

    searched_columns: ClassVar[tuple[str, ...]] = (
        *("name", "provider", "contact_email", "metadata"),
    )

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
    name = NameColumn(max_length=200, blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True, validators=[validate_metadata])
    redirect_url = models.CharField(max_length=2000, blank=True, default="", editable=False)
    language = models.CharField(max_length=CODE_CHARS, choices=LANGUAGES, blank=True, default="")
    contact_email = models.EmailField(blank=True, default="")
    remind_at = models.DateTimeField(null=True, editable=False)
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
            models.Index(fields=("organization", "name", "id"), name="link_name"),
            models.Index(fields=("organization", "expires_at", "id"), name="link_order_of_ends"),
            models.Index(fields=("organization", "batch"), name="link_batch"),
            models.Index(fields=("expires_at",), name="link_end"),
            models.Index(
                fields=("remind_at",),
                condition=models.Q(remind_at__isnull=False),
                name="link_reminder",
            ),
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
    def contact(self) -> str:
        """The mail address of whoever it is for; empty when none is known."""
        return self.reconnects.contact_email if self.reconnects else self.contact_email

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


class ConnectLinkText(RowText):
    """The words of one connect link."""

    link = models.OneToOneField(
        ConnectLink, models.CASCADE, primary_key=True, related_name="search"
    )
