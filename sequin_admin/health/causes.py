"""Which cause an incident belongs to, and what a cause counts.

Two processes that open incidents of one fault at once make one cause: at most one of each key
accepts new incidents, by a constraint. All causes that a transaction changes are locked in order,
so that none ends while an incident joins it. Call everything here in a transaction.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce

from sequin_admin.core.chunks import CHUNK_SIZE
from sequin_admin.health.cause_models import Cause, fault_code
from sequin_admin.health.models import Incident

# Organization, provider, code and party.
Key = tuple[UUID, str, str, str]
COUNTED = (
    *("entity", "message", "latest_at", "resolved_at", "accepts", "mended"),
    *("open_incidents", "total_incidents", "affected"),
)


def key_of(row: Incident | Cause) -> Key:
    return (row.organization_id, row.provider, fault_code(row.code), row.status)


class LockedCauses:
    """The causes that incidents join and leave, locked until the transaction ends.

    `join()` and `leave()` change incidents and counts in memory; `save()` stores the counts.
    """

    def __init__(
        self, joining: Sequence[Incident], known: Iterable[UUID | None], *, at: datetime
    ) -> None:
        self.at = at
        keys = {key_of(incident) for incident in joining}
        wanted = accepting(keys) | Q(pk__in=[pk for pk in known if pk])
        rows = Cause.objects.filter(wanted).order_by("pk").select_for_update(no_key=True)
        self.by_id, self.by_key = dict[UUID, Cause](), dict[Key, Cause]()
        # Again when another process closed one before it was locked here.
        while not self.by_id or keys - self.by_key.keys():
            create_missing(joining, keys, at)
            self.by_id = {cause.pk: cause for cause in rows.all()}
            self.by_key = {key_of(cause): cause for cause in self.by_id.values() if cause.accepts}
            if not keys:
                break

    def join(self, incident: Incident) -> None:
        """Count an open incident; one without a cause joins that of its key."""
        cause = self.by_id.get(incident.cause_id) if incident.cause_id else None
        if cause is None:
            cause = self.by_key[key_of(incident)]
            incident.cause = cause
            cause.total_incidents += 1
            cause.latest_at = max(cause.latest_at, incident.opened_at)
        if cause.entity != incident.entity:
            cause.entity = incident.entity if cause.total_incidents == 1 else ""
        cause.resolved_at = None
        cause.open_incidents += 1
        cause.affected += incident.affected

    def leave(self, incident: Incident) -> None:
        """Count an incident out that is resolved, or that is another fault now."""
        cause = self.by_id.get(incident.cause_id) if incident.cause_id else None
        if cause is None:
            return
        cause.open_incidents = max(0, cause.open_incidents - 1)
        cause.affected = max(0, cause.affected - incident.affected)
        cause.mended = cause.mended and incident.mended
        if cause.open_incidents == 0:
            cause.resolved_at = self.at
            # What was fixed and fails again is a new fault.
            cause.accepts = cause.accepts and not cause.mended

    def reword(self, incident: Incident) -> None:
        """The cause of one incident says what that one says."""
        cause = self.by_id.get(incident.cause_id) if incident.cause_id else None
        if cause and cause.total_incidents == 1:
            cause.message = incident.message

    def save(self) -> None:
        locked = list(self.by_id.values())
        if len(locked) == 1:
            locked[0].save(update_fields=COUNTED)
        else:
            Cause.objects.bulk_update(locked, COUNTED)


def accepting(keys: Iterable[Key]) -> Q:
    """The causes of these keys that accept incidents."""
    owners = defaultdict[tuple[str, str, str], set[UUID]](set)
    for organization, provider, code, status in keys:
        owners[provider, code, status].add(organization)
    found = Q(pk__in=())
    for (provider, code, status), ids in owners.items():
        same = Q(provider=provider, code=code, status=status, accepts=True)
        found |= same & Q(organization__in=ids)
    return found


def create_missing(joining: Sequence[Incident], keys: set[Key], at: datetime) -> None:
    """Create the causes of keys that have none that still accepts; another process may do so."""
    if not keys:
        return
    rows = Cause.objects.filter(accepting(keys)).order_by("pk")
    known = list(rows)
    late = [cause.pk for cause in known if not cause.takes(at)]
    if late:
        # Those locked in order; who did so before may have closed them too.
        list(rows.filter(pk__in=late).select_for_update(no_key=True).values_list("pk"))
        Cause.objects.filter(pk__in=late).update(accepts=False)
    missing = keys - {key_of(cause) for cause in known if cause.pk not in set(late)}
    first = {key_of(incident): incident for incident in reversed(joining)}
    Cause.objects.bulk_create(
        [build_cause(key, first[key]) for key in sorted(missing, key=str)], ignore_conflicts=True
    )


def build_cause(key: Key, incident: Incident) -> Cause:
    organization, provider, code, status = key
    return Cause(
        organization_id=organization,
        provider=provider,
        code=code,
        status=status,
        entity=incident.entity,
        name=incident.name,
        message=incident.message,
        opened_at=incident.opened_at,
        latest_at=incident.opened_at,
    )


def add_affected(incident: Incident, affected: int) -> None:
    """Store how many rows depend on the subject of an open incident, here and in its cause."""
    rows = Incident.objects.open().filter(pk=incident.pk, affected=incident.affected)
    if rows.update(affected=affected) and incident.cause_id:
        more = F("affected") + (affected - incident.affected)
        Cause.objects.filter(pk=incident.cause_id).update(affected=more)


def group_orphans() -> int:
    """Group incidents that processes of an earlier version have opened. Returns how many."""
    return sum(map(group_some, orphans()))


def orphans() -> Iterator[list[Incident]]:
    while rows := list(Incident.objects.filter(cause=None).order_by("opened_at")[:CHUNK_SIZE]):
        yield rows


@transaction.atomic
def group_some(rows: Sequence[Incident]) -> int:
    """One after another: each cause has its own time. People were told of each incident."""
    for incident in rows:
        locked = LockedCauses([incident], [], at=incident.opened_at)
        locked.join(incident)
        incident.save(update_fields=["cause"])
        if incident.resolved_at:
            locked.at = incident.resolved_at
            locked.leave(incident)
        locked.save()
        told = {"told_at": incident.told_at, "over_told_at": incident.over_told_at}
        Cause.objects.filter(incidents=incident).update(**told, told_incidents=1)
    return len(rows)


def recount() -> int:
    """Correct the counts of open causes, as of which a process may have been killed or an incident
    deleted. Returns how many were wrong."""
    is_open = Q(incidents__resolved_at=None)
    depend = Coalesce(Sum("incidents__affected", filter=is_open), 0)
    counted = Cause.objects.open().annotate(now=Count("incidents", filter=is_open), depend=depend)
    wrong = counted.exclude(open_incidents=F("now"), affected=F("depend"))
    return sum(recount_one(pk) for pk in wrong.values_list("pk", flat=True).order_by("pk"))


@transaction.atomic
def recount_one(pk: UUID) -> bool:
    cause = Cause.objects.select_for_update(no_key=True).filter(pk=pk).first()
    if cause is None:
        return False
    found = cause.incidents.filter(resolved_at=None).aggregate(
        now=Count("pk"), depend=Sum("affected")
    )
    cause.open_incidents, cause.affected = found["now"], found["depend"] or 0
    if not cause.open_incidents and cause.resolved_at is None:
        last = cause.incidents.order_by("-resolved_at").first()
        cause.resolved_at = last.resolved_at if last else cause.latest_at
    cause.save(update_fields=["open_incidents", "affected", "resolved_at"])
    return True
