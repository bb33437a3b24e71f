"""The tables of causes: open incidents that are one fault, and what people do about it."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.db import models

from sequin_admin.access.models import Findable, Organization, User
from sequin_admin.core import clock
from sequin_admin.core.search_language import Filter, Term, by_choice, by_id
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import NAME_CHARS
from sequin_admin.health.status import Status

SENTENCE_CHARS = 500
NOTE_CHARS = 2000
# An incident joins a cause while it begins within this time of the latest of them ...
JOIN_WITHIN = timedelta(hours=1)
# ... and of the first: credentials that work are probed about once an hour.
JOIN_AT_MOST = timedelta(hours=2)
# A provider that is down answers one call with 503, the next with a page, and the next not at all.
SAME_FAULT = dict.fromkeys(("unreachable", "not_json"), "unavailable")
NOBODY = "nobody"
PARTIES = {"us": Status.SEQUIN.value, "customers": Status.CUSTOMER.value, NOBODY: ""}


def fault_code(code: str) -> str:
    """The code by which incidents are grouped."""
    return "unavailable" if code.startswith("http_5") else SAME_FAULT.get(code, code)


def by_provider(term: Term) -> models.Q:
    return models.Q(provider=term.value.casefold())


def by_code(term: Term) -> models.Q:
    return models.Q(code__iexact=term.value)


def by_owner(term: Term) -> models.Q:
    return models.Q(owner__email__icontains=term.value)


class CauseQuerySet(Findable["Cause"]):
    """Causes by state, and those whose messages are due."""

    found_by = ("name", "message", "code", "provider")
    search_filters: ClassVar[dict[str, Filter]] = {
        "id": by_id,
        "provider": by_provider,
        "code": by_code,
        "who": by_choice({word: models.Q(status=value) for word, value in PARTIES.items()}, {}),
        "owner": by_owner,
    }

    def open(self) -> Self:
        return self.filter(resolved_at=None)

    def told_of(self, at: datetime) -> Self:
        """Those that are not muted."""
        return self.filter(models.Q(muted_at=None) | models.Q(muted_until__lte=at))

    def opening_due(self, at: datetime, settle: timedelta) -> Self:
        """Open ones that nobody was notified of, and that had time to show how large they are."""
        return self.open().told_of(at).filter(told_at=None, opened_at__lte=at - settle)

    def growth_due(self, at: datetime, factor: int) -> Self:
        """Open ones that are `factor` times as large as they were when they were told."""
        told = self.open().told_of(at).filter(told_at__isnull=False, grown_told_at=None)
        return told.filter(open_incidents__gte=models.F("told_incidents") * factor)

    def resolution_due(self, at: datetime, steady: timedelta) -> Self:
        """Those to notify as resolved: `mended`, or over for at least `steady`."""
        over = models.Q(resolved_at__lte=at - steady) | models.Q(mended=True)
        not_told = self.filter(resolved_at__isnull=False, told_at__isnull=False, over_told_at=None)
        return not_told.filter(over)


class Cause(models.Model):
    """Incidents of one organization, provider, code and party that began within an hour of each
    other; open until the last of them is over.

    `status` says who must act; "" is nobody, for an outage. `entity` is what all of them are of, ""
    when that differs; `name` and `message` are those of the first. `open_incidents` counts the open
    ones, `total_incidents` all that ever joined, `affected` the rows that depend on the open ones.
    `accepts` says that new incidents may join: of those with one key at most one does. `mended`
    says that everything of it that ended was fixed by somebody. `told_at`, `grown_told_at` and
    `over_told_at` are when its messages were posted, `told_incidents` how many it had at the first,
    and `deliveries` the ids of what was posted.
    """

    names_persons: ClassVar[tuple[str, ...]] = ("muted_by",)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    provider = models.CharField(max_length=40, blank=True)
    code = models.CharField(max_length=60)
    status = models.CharField(max_length=24, blank=True, choices=Status.choices)
    entity = models.CharField(max_length=20, blank=True)
    name = models.CharField(max_length=NAME_CHARS)
    message = models.CharField(max_length=SENTENCE_CHARS)
    opened_at = models.DateTimeField(default=clock.now)
    latest_at = models.DateTimeField(default=clock.now)
    resolved_at = models.DateTimeField(null=True)
    accepts = models.BooleanField(default=True)
    mended = models.BooleanField(default=True)
    open_incidents = models.PositiveIntegerField(default=0)
    total_incidents = models.PositiveIntegerField(default=0)
    affected = models.IntegerField(default=0)
    owner = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    owned_at = models.DateTimeField(null=True)
    muted_at = models.DateTimeField(null=True)
    muted_until = models.DateTimeField(null=True)
    muted_by = models.CharField(max_length=200, blank=True, default="")
    told_at = models.DateTimeField(null=True)
    told_incidents = models.PositiveIntegerField(default=0)
    grown_told_at = models.DateTimeField(null=True)
    over_told_at = models.DateTimeField(null=True)
    deliveries = models.JSONField(default=list)

    objects = CauseQuerySet.as_manager()

    class Meta:
        ordering = ("-opened_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "provider", "code", "status"),
                condition=models.Q(accepts=True),
                name="cause_accepts_once",
            ),
        )
        indexes = (
            models.Index(
                fields=("organization", "status", "-open_incidents", "opened_at"),
                condition=models.Q(resolved_at=None),
                name="cause_queue",
            ),
            models.Index(fields=("organization", "-opened_at", "-id"), name="cause_newest"),
            models.Index(fields=("organization", "-resolved_at"), name="cause_ended"),
            models.Index(fields=("resolved_at",), name="cause_resolved"),
            models.Index(
                fields=("told_at", "opened_at"),
                condition=models.Q(resolved_at=None, grown_told_at=None),
                name="cause_not_told",
            ),
            models.Index(
                fields=("resolved_at",),
                condition=models.Q(
                    resolved_at__isnull=False, told_at__isnull=False, over_told_at=None
                ),
                name="cause_over_not_told",
            ),
        )

    def __str__(self) -> str:
        return self.name if self.total_incidents == 1 else f"{self.title}: {self.code}"

    @property
    def title(self) -> str:
        """Whose fault it is of: the provider, or the sort of thing that has none."""
        return kinds.title_of(self.provider) if self.provider else self.entity.capitalize()

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None

    def is_muted(self, at: datetime) -> bool:
        """Whether nobody is notified of it now."""
        if self.muted_at is None or self.resolved_at:
            return False
        return self.muted_until is None or self.muted_until > at

    def takes(self, at: datetime) -> bool:
        """Whether an incident that begins at this time joins it."""
        until = min(self.latest_at + JOIN_WITHIN, self.opened_at + JOIN_AT_MOST)
        return self.accepts and self.opened_at - JOIN_WITHIN <= at <= until


class CauseNote(models.Model):
    """What somebody wrote about a cause. `author` is the name at the time, also of an API key."""

    names_persons: ClassVar[tuple[str, ...]] = ("author",)

    cause = models.ForeignKey(Cause, models.CASCADE, related_name="notes")
    author = models.CharField(max_length=200)
    text = models.CharField(max_length=NOTE_CHARS)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.author}: {self.text[:60]}"
