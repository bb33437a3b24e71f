"""Syncs and streams, and the consumers that write to targets."""

import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.db import models

from sequin_admin.access.models import Findable, Organization, SearchedQuerySet, SearchedRow
from sequin_admin.core import clock
from sequin_admin.core.fields import DecryptionError, EncryptedJSONField
from sequin_admin.core.leases import Leased
from sequin_admin.core.metadata import validate_metadata
from sequin_admin.core.monitored import Monitored, latest_index, list_indexes
from sequin_admin.core.names import NameColumn
from sequin_admin.core.search_language import Filter, by_id
from sequin_admin.credentials.models import NAME_CHARS, Credential
from sequin_admin.credentials.properties import MASK, ends_of
from sequin_admin.credentials.search_filters import by_provider, by_status
from sequin_admin.syncs.models.ssl_modes import SslMode

# Showing eight characters would reveal too much of a shorter password.
LONG_PASSWORD = 20
# A page stops waiting for a test that no worker has started.
LONGEST_WAIT = timedelta(minutes=5)
SLUG_CHARS = 60


class NamedRow(Monitored):
    """Base model of syncs, consumers and targets."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = NameColumn(max_length=NAME_CHARS)
    metadata = models.JSONField(default=dict, blank=True, validators=[validate_metadata])
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class TargetQuerySet(Findable["Target"]):
    """Targets, found by name, host and database."""

    found_by = ("name", "host", "database")
    search_filters: ClassVar[Mapping[str, Filter]] = {"id": by_id, "status": by_status()}


class Target(Leased, NamedRow):
    """A PostgreSQL database that consumers write to. `secrets` holds the password. Leased while it
    is being tested: see `connection_slots`."""

    entity, entity_title = "target", "target"
    when_used: ClassVar[str] = "First delete what needs it, or let it write to another target."
    provider: ClassVar[str] = ""
    kind: ClassVar[str] = "postgres"

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="targets")
    host = models.CharField(max_length=253)
    port = models.PositiveIntegerField(default=5432)
    database = models.CharField(max_length=63)
    username = models.CharField(max_length=63)
    secrets = EncryptedJSONField(scope="target", bind=("organization_id", "id", "host", "port"))
    secrets_changed_at = models.DateTimeField(default=clock.now, editable=False)
    ssl_mode = models.CharField(
        "TLS", max_length=11, choices=SslMode.choices, default=SslMode.PREFER
    )
    schema = models.CharField(max_length=63, blank=True)

    objects = TargetQuerySet.as_manager()

    class Meta:
        indexes = (
            *list_indexes("target"),
            models.Index(fields=("check_due_at",), name="target_check_due"),
            models.Index(
                fields=("lease_until",),
                name="target_tested",
                condition=models.Q(lease_until__isnull=False),
            ),
        )

    @property
    def address(self) -> str:
        """`host:port/database`, with brackets around an IPv6 address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}/{self.database}"

    def last_fixed_at(self) -> datetime:
        return self.updated_at

    def waits_for_test(self) -> bool:
        """Whether it is being tested or is due for a test; not when no worker came for long."""
        now = clock.now()
        if self.is_leased():
            return True
        return bool(self.check_due_at and now - LONGEST_WAIT < self.check_due_at <= now)

    def masked_password(self) -> str:
        """first4...last4 of a long password, asterisks otherwise."""
        try:
            password = str(self.secrets.get("password", ""))
        except DecryptionError:
            return MASK
        return ends_of(password) if len(password) >= LONG_PASSWORD else MASK


class StreamQuerySet(Findable["Stream"]):
    """Streams, found by their slug."""

    found_by = ("slug",)


class Stream(models.Model):
    """A namespace of the organization's data that syncs write to: dev and prod, or one per API."""

    when_used: ClassVar[str] = "First delete what needs it, or let it write to another stream."

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="streams")
    slug = models.CharField(max_length=SLUG_CHARS)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = StreamQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "slug"), name="stream_slug_once"),
        )
        indexes = list_indexes("stream", called="slug")

    def __str__(self) -> str:
        return self.slug


class SyncQuerySet(SearchedQuerySet["Sync"]):
    """Syncs, with their credential where it is needed."""

    search_filters: ClassVar[Mapping[str, Filter]] = {
        "id": by_id,
        "provider": by_provider,
        "status": by_status(can_be_disabled=True),
    }

    def with_credential(self) -> Self:
        """Join the credential, without decrypting its secrets."""
        return self.select_related("credential").defer("credential__secrets")


class Sync(SearchedRow, NamedRow):
    """Which collections of a connected account are read. `provider` is the credential's."""

    entity, entity_title = "sync", "sync"
    searched_columns: ClassVar[tuple[str, ...]] = ("name", "external_id", "metadata")
    when_used: ClassVar[str] = "First take it out of what needs it, or delete that."

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="syncs")
    provider = models.CharField(max_length=40, editable=False)
    credential = models.ForeignKey(Credential, models.PROTECT, related_name="syncs")
    stream = models.ForeignKey(
        Stream, models.PROTECT, null=True, blank=True, related_name="syncs", editable=False
    )
    collection_ids = models.JSONField(default=list, blank=True)
    # The specification's `RateLimit`, or NULL for the credential's limit.
    rate_limit = models.JSONField(null=True, blank=True)
    max_age_days = models.PositiveIntegerField(null=True, blank=True)
    sync_frequency = models.CharField(max_length=20, default="continuous")
    external_id = models.CharField(max_length=200, blank=True)
    initial_backfill_completed_at = models.DateTimeField(null=True, editable=False)
    disabled_at = models.DateTimeField(null=True, editable=False)
    # No run starts while it is paused.
    paused_at = models.DateTimeField(null=True, editable=False)
    resumed_at = models.DateTimeField(null=True, editable=False)
    # The latest values reported by its worker.
    rows_total = models.PositiveBigIntegerField(default=0, editable=False)
    lag_s = models.FloatField(null=True, editable=False)
    first_report_at = models.DateTimeField(null=True, editable=False)
    last_report_at = models.DateTimeField(null=True, editable=False)
    last_succeeded_at = models.DateTimeField(null=True, editable=False)
    # The random part of the public badge's URL; NULL while it is not published.
    badge_token = models.CharField(  # noqa: DJ001 - NULLs are never equal
        max_length=43, null=True, unique=True, editable=False
    )

    objects = SyncQuerySet.as_manager()
    # Set by `health.prefetch_consumers()` for many syncs at once.
    prefetched_consumers: "list[Consumer] | None" = None

    class Meta:
        indexes = (
            *list_indexes("sync"),
            models.Index(fields=("organization", "-health_status", "id"), name="sync_by_health"),
            latest_index("last_report_at", name="sync_report"),
            models.Index(fields=("organization", "external_id"), name="sync_external_id"),
        )

    def message_path(self, action: str) -> str:
        return "/syncs/" if action == "sync.deleted" else f"/syncs/{self.pk}/"

    def message_data(self, action: str, details: dict[str, Any]) -> dict[str, Any]:
        return details

    @property
    def status(self) -> str:
        """The specification's `status`: `active` or `disabled`."""
        return "disabled" if self.disabled_at else "active"

    def depends_on(self) -> list[Monitored]:
        """Its credential, and its active consumers."""
        known = self.prefetched_consumers
        consumers = self.consumers_with_target() if known is None else known
        return [self.credential, *(consumer for consumer in consumers if consumer.active)]

    def is_disabled(self) -> bool:
        return self.disabled_at is not None

    def has_run(self) -> bool:
        return self.first_report_at is not None

    def known_since(self) -> datetime | None:
        return self.first_report_at

    def has_active_consumer(self) -> bool:
        if self.prefetched_consumers is not None:
            return any(consumer.active for consumer in self.prefetched_consumers)
        return self.all_consumers().filter(disabled_at=None).exists()

    def consumers_with_target(self) -> "models.QuerySet[Consumer]":
        """`all_consumers()`, without decrypting the passwords."""
        return self.all_consumers().select_related("target").defer("target__secrets")

    def all_consumers(self) -> "models.QuerySet[Consumer]":
        """The consumers that select it, or all syncs."""
        rows = Consumer.objects.filter(organization=self.organization_id)
        return rows.consuming(Sync.objects.filter(pk=self.pk))


class ConsumerQuerySet(Findable["Consumer"]):
    """Consumers that read certain syncs."""

    search_filters: ClassVar[Mapping[str, Filter]] = {
        "id": by_id,
        "status": by_status(can_be_disabled=True),
    }

    def consuming(self, syncs: models.QuerySet[Sync]) -> Self:
        """Consumers that select one of `syncs`, or all syncs."""
        links = Consumer.syncs.through._default_manager.filter(sync__in=syncs)
        by_name = models.Q(pk__in=links.values("consumer"))
        return self.filter(by_name | models.Q(all_syncs=True) & models.Exists(syncs))


class Consumer(NamedRow):
    """Writes the records of some syncs, or of all, to a target."""

    entity, entity_title = "consumer", "consumer"
    provider: ClassVar[str] = ""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="consumers")
    target = models.ForeignKey(Target, models.PROTECT, related_name="consumers")
    all_syncs = models.BooleanField(default=False)
    syncs = models.ManyToManyField(Sync, blank=True, related_name="consumers")
    disabled_at = models.DateTimeField(null=True, editable=False)

    objects = ConsumerQuerySet.as_manager()

    class Meta:
        indexes = list_indexes("consumer")

    @property
    def active(self) -> bool:
        return self.disabled_at is None

    def depends_on(self) -> list[Monitored]:
        return [self.target]

    def is_disabled(self) -> bool:
        return not self.active

    def selected_syncs(self) -> models.QuerySet[Sync]:
        """The syncs whose records it writes to the target."""
        if self.all_syncs:
            return Sync.objects.filter(organization=self.organization_id)
        return self.syncs.all()

    def sync_ids(self) -> list[str]:
        """Ids as in the API: `*` stands for all syncs, also later ones."""
        return ["*"] if self.all_syncs else sorted(str(sync.pk) for sync in self.syncs.all())


def new_badge_token() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)
