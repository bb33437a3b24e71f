"""Provider outages, which need no action and change no statuses: detected, or set by staff."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import models, transaction
from django.db.models import Count, Q

from sequin_admin.access.models import Organization, User
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health import alerts
from sequin_admin.health.checks import AUTHENTICATION
from sequin_admin.health.models import Check, Incident, Outage

PROVIDER = "provider"
# Only checks within this time count.
WINDOW = timedelta(minutes=10)
# At least so many credentials, and this share of those checked, must fail in an outage.
MIN_FAILING, MIN_SHARE = 3, 0.5
# Codes of failures on the provider's side.
OUTAGE_CODES = ("unavailable", "unreachable", "not_json")


@dataclass(frozen=True)
class ProviderCounts:
    """How many credentials of a provider failed recently, and how many got an answer."""

    failing: int
    answered: int

    @property
    def is_down(self) -> bool:
        enough = self.failing >= MIN_FAILING
        return enough and self.failing >= MIN_SHARE * (self.failing + self.answered)

    @property
    def has_recovered(self) -> bool:
        """Whether most get an answer again. False without any recent checks."""
        return self.answered > 0 and self.failing < MIN_SHARE * (self.failing + self.answered)


def detect_outages() -> None:
    """Open outages for providers that are down, and close detected ones that are over."""
    counts = count_by_provider()
    known = {outage.provider: outage for outage in Outage.objects.open()}
    for provider, counted in counts.items():
        if counted.is_down and provider not in known:
            open_outage(provider, outage_message(provider))
    for provider, outage in known.items():
        if not outage.declared and counts.get(provider, ProviderCounts(0, 0)).has_recovered:
            close_outage(outage)


def count_by_provider() -> dict[str, ProviderCounts]:
    recent = Check.objects.filter(
        check_name=AUTHENTICATION, last_seen_at__gt=clock.now() - WINDOW
    ).exclude(provider="")
    transient = Q(verdict=Verdict.TRANSIENT)
    groups = recent.values("provider").annotate(
        failing=Count("pk", filter=transient & Q(code__in=OUTAGE_CODES)),
        answered=Count("pk", filter=~transient),
    )
    return {g["provider"]: ProviderCounts(g["failing"], g["answered"]) for g in groups.order_by()}


def outage_message(provider: str) -> str:
    return f"{title_of(provider)} seems to be down. Nothing to do: we go on trying by ourselves."


def title_of(provider: str) -> str:
    return kinds.providers().get(provider, provider)


@transaction.atomic
def declare(provider: str, *, actor: User, message: str = "") -> Outage:
    """Declare an outage as staff. It lasts until staff clears it."""
    Outage.objects.open().filter(provider=provider).update(declared=True, declared_by=actor)
    outage = Outage.objects.open().filter(provider=provider).first()
    if outage is None:
        text = message or f"{title_of(provider)} is down. Nothing to do until it is back."
        outage = open_outage(provider, text, declared_by=actor)
    record_change(
        "outage.declared", actor=actor, target=outage, organization_id=None, provider=provider
    )
    return outage


@transaction.atomic
def clear(outage: Outage, *, actor: User) -> None:
    close_outage(outage)
    record_change(
        "outage.cleared",
        actor=actor,
        target=outage,
        organization_id=None,
        provider=outage.provider,
    )


@transaction.atomic
def open_outage(provider: str, message: str, *, declared_by: User | None = None) -> Outage:
    """Open an outage, and an incident for each organization that uses the provider."""
    outage, created = Outage.objects.get_or_create(
        provider=provider,
        cleared_at=None,
        defaults={
            "message": message,
            "declared": declared_by is not None,
            "declared_by": declared_by,
        },
    )
    if created:
        for organization, credentials in organizations_using(provider):
            incident = Incident.objects.create(
                organization=organization,
                provider=provider,
                entity=PROVIDER,
                entity_id=outage.pk,
                name=title_of(provider),
                code="outage",
                message=message,
                opened_at=outage.opened_at,
                affected=credentials,
            )
            alerts.notify_opened(incident)
    return outage


def organizations_using(provider: str) -> Iterable[tuple[Organization, int]]:
    credentials = Credential.objects.of_provider(provider).active().order_by()
    counts = dict(credentials.values_list("organization").annotate(models.Count("pk")))
    return [(row, counts[row.pk]) for row in Organization.objects.filter(pk__in=counts)]


@transaction.atomic
def close_outage(outage: Outage) -> None:
    """Close an outage, resolve its incidents, and schedule failed credentials for a probe now."""
    now = clock.now()
    if not Outage.objects.open().filter(pk=outage.pk).update(cleared_at=now):
        return
    outage.cleared_at = now
    Incident.objects.open().filter(entity_id=outage.pk).update(
        resolved_at=now, resolution=f"{title_of(outage.provider)} is back.", mended=True
    )
    failed = Check.objects.filter(provider=outage.provider, verdict=Verdict.TRANSIENT)
    credentials = Credential.objects.filter(pk__in=failed.values("entity_id"))
    credentials.update(check_due_at=now)
