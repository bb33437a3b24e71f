"""Providers that are down for everybody: then nobody has to act, and nobody's status changes."""

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
# Checks that were made within this time are compared.
WINDOW = timedelta(minutes=10)
# So many credentials, and such a share of those checked, must fail alike.
LEAST, SHARE = 3, 0.5
# What a provider's own trouble looks like.
SIGNS = ("unavailable", "unreachable", "not_json")


@dataclass(frozen=True)
class ProviderCounts:
    """How many credentials of a provider met its trouble lately, and how many got an answer."""

    failing: int
    answered: int

    @property
    def down(self) -> bool:
        enough = self.failing >= LEAST
        return enough and self.failing >= SHARE * (self.failing + self.answered)

    @property
    def back(self) -> bool:
        """Most get an answer again. Who asks nobody learns nothing."""
        return self.answered > 0 and self.failing < SHARE * (self.failing + self.answered)


def detect_outages() -> None:
    """Recognise outages, and the end of those that we recognised."""
    tallies = count_by_provider()
    known = {outage.provider: outage for outage in Outage.objects.open()}
    for provider, tally in tallies.items():
        if tally.down and provider not in known:
            open_outage(provider, seems_down(provider))
    for provider, outage in known.items():
        if not outage.declared and tallies.get(provider, ProviderCounts(0, 0)).back:
            close_outage(outage)


def count_by_provider() -> dict[str, ProviderCounts]:
    lately = Check.objects.filter(
        check_name=AUTHENTICATION, last_seen_at__gt=clock.now() - WINDOW
    ).exclude(provider="")
    troubled = Q(verdict=Verdict.TRANSIENT)
    groups = lately.values("provider").annotate(
        failing=Count("pk", filter=troubled & Q(code__in=SIGNS)),
        answered=Count("pk", filter=~troubled),
    )
    return {g["provider"]: ProviderCounts(g["failing"], g["answered"]) for g in groups.order_by()}


def seems_down(provider: str) -> str:
    return f"{title_of(provider)} seems to be down. Nothing to do: we go on trying by ourselves."


def title_of(provider: str) -> str:
    return kinds.providers().get(provider, provider)


@transaction.atomic
def declare(provider: str, *, actor: User, message: str = "") -> Outage:
    """Staff knows of an outage. It lasts until staff clears it."""
    Outage.objects.open().filter(provider=provider).update(declared=True, declared_by=actor)
    outage = Outage.objects.open().filter(provider=provider).first()
    if outage is None:
        said = message or f"{title_of(provider)} is down. Nothing to do until it is back."
        outage = open_outage(provider, said, declared_by=actor)
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
    """One outage, and one incident for each organization that uses the provider."""
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
        for organization, credentials in users_of(provider):
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


def users_of(provider: str) -> Iterable[tuple[Organization, int]]:
    credentials = Credential.objects.of_provider(provider).active().order_by()
    counts = dict(credentials.values_list("organization").annotate(models.Count("pk")))
    return [(row, counts[row.pk]) for row in Organization.objects.filter(pk__in=counts)]


@transaction.atomic
def close_outage(outage: Outage) -> None:
    """It is back. Whoever met its trouble is checked again soon."""
    now = clock.now()
    if not Outage.objects.open().filter(pk=outage.pk).update(cleared_at=now):
        return
    outage.cleared_at = now
    Incident.objects.open().filter(entity_id=outage.pk).update(
        resolved_at=now, resolution=f"{title_of(outage.provider)} is back.", mended=True
    )
    troubled = Check.objects.filter(provider=outage.provider, verdict=Verdict.TRANSIENT)
    waiting = Credential.objects.filter(pk__in=troubled.values("entity_id"))
    waiting.update(check_due_at=now)
