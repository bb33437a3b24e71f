"""Provider outages, which need no action and change no statuses: detected, or set by staff."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import models, transaction
from django.db.models import Count, Q, Value
from django.db.models.functions import Concat

from sequin_admin.access.account_log import person_of
from sequin_admin.access.models import Organization, User
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health import incidents
from sequin_admin.health.checks import AUTHENTICATION
from sequin_admin.health.models import Check, Incident, Outage
from sequin_admin.health.probe_claims import CLAIM

PROVIDER = "provider"
# Only checks within this time say how the provider is now.
WINDOW = timedelta(minutes=10)
# At least so many credentials, and this share of all active ones, must fail in an outage.
MIN_FAILING, MIN_SHARE = 3, 0.5
# Where too few were asked lately, so many decide. Those with the first ids: ids are random, so they
# are chosen by chance. Who was asked because it failed says nothing about the others.
PANEL = 100
# Codes of failures on the provider's side.
OUTAGE_CODES = ("unavailable", "unreachable", "not_json")
TRANSIENT = Q(verdict=Verdict.TRANSIENT)
FAILING = TRANSIENT & Q(code__in=OUTAGE_CODES)


@dataclass(frozen=True)
class ProviderCounts:
    """The active credentials of a provider by their latest check.

    `failing`: it failed within `WINDOW`. `answered`: it got an answer within `WINDOW`. `stale`: it
    did not fail, but is older.
    """

    failing: int
    answered: int
    stale: int = 0

    @property
    def most_fail(self) -> bool | None:
        """Whether `MIN_SHARE` of them fail now; None while it depends on those of `stale`."""
        enough = MIN_SHARE * (self.failing + self.answered + self.stale)
        if self.failing + self.stale < enough:
            return False
        return True if self.failing and self.failing >= enough else None


def detect_outages() -> None:
    """Open outages for providers that are down, and close detected ones that are over."""
    known = {outage.provider: outage for outage in Outage.objects.open()}
    for provider in suspected_providers() | known.keys():
        rows = checks_of_active(provider)
        counted = count_checks(rows)
        down = counted.most_fail
        if down is None:
            down = ask_panel(rows)
        if provider in known:
            if down is False and not known[provider].declared:
                close_outage(known[provider])
        elif down and counted.failing >= MIN_FAILING:
            open_outage(provider, outage_message(provider))


def suspected_providers() -> set[str]:
    """Providers of which enough checks failed lately, one of them for the first time."""
    since = clock.now() - WINDOW
    failing = Check.objects.filter(
        FAILING, check_name=AUTHENTICATION, last_seen_at__gt=since
    ).exclude(provider="")
    # Grouped by the column itself, SQLite would read all checks, by an index of it.
    grouped = failing.order_by().values(of=Concat("provider", Value("")))
    began = Count("pk", filter=Q(first_seen_at__gt=since))
    counts = grouped.annotate(count=Count("pk"), began=began)
    enough = counts.filter(count__gte=MIN_FAILING, began__gt=0)
    return set(enough.values_list("of", flat=True))


def checks_of_active(provider: str) -> models.QuerySet[Check]:
    """The latest authentication check of each active credential."""
    active = Credential.objects.of_provider(provider).active()
    rows = Check.objects.filter(provider=provider, check_name=AUTHENTICATION)
    return rows.filter(entity_id__in=active.values("pk")).order_by()


def count_checks(rows: models.QuerySet[Check]) -> ProviderCounts:
    recent = is_recent()
    counts = rows.aggregate(
        failing=Count("pk", filter=FAILING & recent),
        answered=Count("pk", filter=~TRANSIENT & recent),
        stale=Count("pk", filter=~TRANSIENT & ~recent),
    )
    return ProviderCounts(**counts)


def is_recent() -> Q:
    return Q(last_seen_at__gt=clock.now() - WINDOW)


def ask_panel(rows: models.QuerySet[Check]) -> bool | None:
    """Whether most of the panel fail. While it is not known, those not asked lately are probed."""
    counted = rows.filter(~TRANSIENT | FAILING & is_recent())
    ids = list(counted.order_by("entity_id").values_list("entity_id", flat=True)[:PANEL])
    panel = rows.filter(entity_id__in=ids)
    down = count_checks(panel).most_fail
    if down is None:
        now = clock.now()
        stale = panel.filter(~TRANSIENT & ~is_recent()).values("entity_id")
        later = Credential.objects.filter(pk__in=stale, check_due_at__gt=now + CLAIM)
        later.update(check_due_at=now)
    return down


def outage_message(provider: str) -> str:
    return (
        f"{kinds.title_of(provider)} seems to be down. Nothing to do: we go on trying by ourselves."
    )


@transaction.atomic
def declare(provider: str, *, actor: AnyActor, message: str = "") -> Outage:
    """Declare an outage as staff. It lasts until staff clears it."""
    Outage.objects.open().filter(provider=provider).update(
        declared=True, declared_by=person_of(actor)
    )
    outage = Outage.objects.open().filter(provider=provider).first()
    if outage is None:
        text = message or f"{kinds.title_of(provider)} is down. Nothing to do until it is back."
        outage = open_outage(provider, text, declared_by=person_of(actor))
    record_change(outage, "outage.declared", actor, provider=provider)
    return outage


@transaction.atomic
def clear(outage: Outage, *, actor: AnyActor) -> None:
    close_outage(outage)
    record_change(outage, "outage.cleared", actor, provider=outage.provider)


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
        using = organizations_using(provider)
        rows = [build_incident(outage, owner, count) for owner, count in using]
        incidents.open_incidents(rows, [None] * len(rows), at=clock.now())
    return outage


def build_incident(outage: Outage, organization: Organization, credentials: int) -> Incident:
    """The incident of one organization, unsaved."""
    return Incident(
        organization=organization,
        provider=outage.provider,
        entity=PROVIDER,
        entity_id=outage.pk,
        name=kinds.title_of(outage.provider),
        code="outage",
        message=outage.message,
        opened_at=outage.opened_at,
        affected=credentials,
        told_at=clock.now(),
    )


def organizations_using(provider: str) -> list[tuple[Organization, int]]:
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
    incidents.resolve_outage(outage, f"{kinds.title_of(outage.provider)} is back.", at=now)
    failed = Check.objects.filter(provider=outage.provider, verdict=Verdict.TRANSIENT)
    credentials = Credential.objects.filter(pk__in=failed.values("entity_id"))
    credentials.update(check_due_at=now)
