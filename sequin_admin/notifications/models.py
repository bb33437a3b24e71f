"""Channels of an organization, and the outbox of their deliveries."""

import hashlib
import uuid
from datetime import datetime
from typing import Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Exists, OuterRef, Subquery

from sequin_admin.access.models import Findable, Organization, OwnedQuerySet, User
from sequin_admin.core import clock
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.core.fields import EncryptedJSONField
from sequin_admin.core.leases import Leased, unleased
from sequin_admin.core.names import NameColumn
from sequin_admin.core.turns import QUEUE_CHARS, queue_expression
from sequin_admin.core.words import format_short_time
from sequin_admin.notifications.message import PROGRAMS, Message, Severity, type_matches
from sequin_admin.notifications.quiet_hours import DailyQuietHours

# How many attempts a delivery's log holds.
LOG_ENTRIES = 20


class ChannelKind(models.TextChoices):
    """What a channel is, and what follows from that."""

    MAIL = "mail", "Mail"
    WEBHOOK = "webhook", "Webhook"
    SLACK = "slack", "Slack"

    @property
    def icon(self) -> str:
        return {"mail": "envelope", "webhook": "code-bracket"}.get(self, "chat-bubble-left-right")

    @property
    def is_signed(self) -> bool:
        """Whether messages are signed with a secret of ours, shown once."""
        return self is ChannelKind.WEBHOOK

    @property
    def hides_address(self) -> bool:
        """Whether the address is a secret, of which only the host is shown."""
        return self is ChannelKind.SLACK

    @property
    def has_secret(self) -> bool:
        return self.is_signed or self.hides_address

    @property
    def first_severity(self) -> Severity:
        """What a new channel gets: programs everything, people what somebody must act on."""
        return Severity.INFO if self.is_signed else Severity.WARNING


class ChannelQuerySet(Findable["Channel"]):
    """Channels that are enabled, and what they delivered last."""

    def enabled(self) -> Self:
        return self.filter(enabled=True)

    def last_deliveries(self) -> dict[uuid.UUID | None, "Delivery"]:
        """The newest delivery of each, by the channel's id, in one query."""
        newest = Delivery.objects.filter(channel=OuterRef("pk")).order_by("-id").values("id")[:1]
        ids = self.annotate(last_id=Subquery(newest)).values("last_id")
        rows = Delivery.objects.filter(pk__in=ids).defer("secrets")
        return {row.channel_id: row for row in rows}


class Channel(models.Model):
    """A destination of an organization's messages: mail, webhook or Slack.

    `address` is mail addresses separated by commas, or a URL; of Slack only its host, as the URL is
    a secret. `secrets` holds `url` for Slack; for a webhook `signing`, and after a rotation
    `previous`: a list of `{"secret", "until"}`. `created_by` is the person who made it,
    also when that was done with an API key of theirs.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="channels")
    kind = models.CharField(max_length=10, choices=ChannelKind.choices, editable=False)
    name = NameColumn(max_length=100)
    address = models.TextField()
    secrets = EncryptedJSONField(scope="channel", bind=("organization_id", "id", "kind", "address"))
    secret_changed_at = models.DateTimeField(default=clock.now, editable=False)
    min_severity = models.CharField(
        max_length=10, choices=Severity.choices, default=Severity.WARNING
    )
    event_types = models.JSONField(default=list, blank=True)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=60, default="UTC")
    critical_breaks_quiet = models.BooleanField(default=True)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=300, blank=True, default="", editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="channels")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("organization", "kind", "created_at"), name="channel_of"),)

    def __str__(self) -> str:
        return self.name

    @property
    def kind_choice(self) -> ChannelKind:
        return ChannelKind(self.kind)

    @property
    def audit_address(self) -> str:
        """The address for the audit log: of a URL only the host, as a path may be a secret."""
        return urlsplit(self.address).hostname or self.address

    @property
    def audience(self) -> str:
        return Severity(self.min_severity).audience

    @property
    def quiet_hours(self) -> DailyQuietHours | None:
        if self.quiet_from is None or self.quiet_until is None:
            return None
        return DailyQuietHours(self.quiet_from, self.quiet_until, ZoneInfo(self.time_zone))

    def wants(self, message: Message) -> bool:
        """Whether the channel subscribes to the message, by severity and type.

        People are notified once of a cause: who wants incidents gets what they are grouped to.
        """
        for_people = not self.kind_choice.is_signed
        if for_people and message.audience == PROGRAMS:
            return False
        enough = message.severity.rank >= Severity(self.min_severity).rank
        also = message.type.replace("cause.", "incident.", 1) if for_people else message.type
        wanted = self.event_types
        return enough and (type_matches(wanted, message.type) or type_matches(wanted, also))

    def quiet_ends_at(self, severity: Severity, at: datetime) -> datetime | None:
        """When the quiet hours that delay a message of this severity end; None if none do."""
        hours = self.quiet_hours
        breaks = severity is Severity.CRITICAL and self.critical_breaks_quiet
        return hours.end_after(at) if hours and not breaks and hours.contains(at) else None

    def signing_secrets(self, at: datetime) -> list[str]:
        """The current signing secret, and former ones that are still valid after a rotation."""
        previous = self.secrets.get("previous", [])
        former = [each["secret"] for each in previous if datetime.fromisoformat(each["until"]) > at]
        return [self.secrets["signing"], *former]


class DeliveryState(models.TextChoices):
    """State of a delivery, with a tone and icon for pages."""

    PENDING = "pending", "Waiting"
    DELIVERED = "delivered", "Delivered"
    GIVEN_UP = "given_up", "Given up"
    DROPPED = "dropped", "Not sent"

    @property
    def tone(self) -> str:
        return {"delivered": "good", "given_up": "bad", "pending": "warn"}.get(self, "idle")

    @property
    def icon(self) -> str:
        return {
            "pending": "clock",
            "delivered": "check-circle",
            "given_up": "x-circle",
            "dropped": "no-symbol",
        }[self]


class DeliveryQuerySet(OwnedQuerySet["Delivery"]):
    """Deliveries by state, and those that are due."""

    def pending(self) -> Self:
        return self.filter(state=DeliveryState.PENDING)

    def to_customers(self) -> Self:
        return self.filter(channel=None)

    def due(self) -> Self:
        """Deliveries to send now: not leased, and first of the pending ones of an ordering key."""
        before = Delivery.objects.pending().filter(
            ordering_key=OuterRef("ordering_key"), id__lt=OuterRef("id")
        )
        waiting = self.pending().filter(~Exists(before), next_try_at__lte=DatabaseTime())
        return waiting.filter(unleased()).order_by("next_try_at", "id")

    def by_state(self) -> dict[DeliveryState, int]:
        """Count of deliveries in each state, in one query."""
        counted = self.order_by().values_list("state").annotate(models.Count("pk"))
        found = dict(counted)
        return {state: found.get(state.value, 0) for state in DeliveryState}


class Delivery(Leased):
    """A message to send through one channel, or by mail `to` a customer's contact.

    `notice` is the message as JSON. Deliveries of one `ordering_key` (a channel and the message's
    key) are sent in order. `in_quiet_hours` says that quiet hours delay it, which `urgent` ignores.
    `attempts` counts those since `tried_from`. `log` has the latest attempts:
    `{"at", "status", "error", "ms"}`; `last_error` is empty or a sentence. After `ends_at` it is of
    no use any more, so it is not sent.
    """

    # Ascending in the order of posting; the API shows `uid` instead.
    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(Channel, models.CASCADE, null=True, related_name="deliveries")
    to = models.EmailField(blank=True, default="")
    type = models.CharField(max_length=60)
    severity = models.CharField(max_length=10, choices=Severity.choices)
    ordering_key = models.CharField(max_length=64, editable=False)
    queue = models.GeneratedField(
        expression=queue_expression("organization", "channel"),
        output_field=models.CharField(max_length=QUEUE_CHARS),
        db_persist=True,
    )
    notice = models.JSONField()
    secrets = EncryptedJSONField(
        scope="delivery", bind=("organization_id", "uid", "channel_id", "to")
    )
    state = models.CharField(
        max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING
    )
    last_error = models.CharField(max_length=500, blank=True, default="")
    in_quiet_hours = models.BooleanField(default=False)
    urgent = models.BooleanField(default=False)
    attempts = models.PositiveIntegerField(default=0)
    tried_from = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(null=True, default=clock.now)
    log = models.JSONField(default=list)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    ends_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = (
            models.Index(
                fields=("next_try_at", "id"),
                condition=models.Q(state="pending"),
                name="delivery_due",
            ),
            models.Index(
                fields=("queue", "next_try_at"),
                condition=models.Q(state="pending"),
                name="delivery_queue",
            ),
            models.Index(
                fields=("ordering_key", "id"),
                condition=models.Q(state="pending"),
                name="delivery_ordering",
            ),
            models.Index(
                fields=("lease_until",),
                condition=models.Q(lease_until__isnull=False),
                name="delivery_leased",
            ),
            models.Index(fields=("channel", "-id"), name="delivery_log"),
            models.Index(fields=("organization", "-id"), name="delivery_newest"),
            models.Index(fields=("created_at",), name="delivery_age"),
        )

    def __str__(self) -> str:
        return f"{self.type} of {format_short_time(self.created_at)}"

    @property
    def message(self) -> Message:
        return Message.from_json(self.notice)

    @property
    def state_choice(self) -> DeliveryState:
        return DeliveryState(self.state)

    @property
    def message_id(self) -> str:
        """`webhook-id`: the same at every attempt, so that receivers can detect repetitions."""
        return f"msg_{self.uid.hex}"


def ordering_key_of(destination: object, key: str) -> str:
    """Hash of the channel's id or customer's address, and the message's key."""
    return hashlib.sha256(f"{destination}\n{key}".encode()).hexdigest()
