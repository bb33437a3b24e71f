"""How many runs go on, are late or were lost: one line of the overview."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from django.db.models import DateTimeField, UUIDField

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.core.counts import count_of
from sequin_admin.core.prepared import ColumnQuery, PreparedColumns
from sequin_admin.health.models import Incident
from sequin_admin.syncs.check_results import LATE
from sequin_admin.syncs.models import Run, RunStatus, Sync

DAY = timedelta(hours=24)


@dataclass(frozen=True)
class RunCounts:
    """`running` runs under way, `late` syncs with an open incident, and runs `lost` in a day."""

    running: int
    late: int
    lost: int

    def __bool__(self) -> bool:
        return bool(self.running or self.late or self.lost)


def count_query(organization: UUID, since: datetime) -> ColumnQuery:
    """Each part of it is answered by an index."""
    running = Run.objects.filter(status=RunStatus.RUNNING)
    late = Incident.objects.open().filter(entity=Sync.entity, code=LATE)
    lost = Run.objects.filter(status=RunStatus.LOST, ended_at__gte=since)
    parts = [count_of(each, "organization") for each in (running, late, lost)]
    return ColumnQuery(Organization.objects.filter(pk=organization).values_list(*parts))


COUNTS = PreparedColumns(
    count_query,
    {
        "organization": (UUIDField(), uuid4()),
        "since": (DateTimeField(), datetime(2001, 2, 3, tzinfo=UTC)),
    },
)


def count_runs(organization: Organization) -> RunCounts:
    """With one query."""
    since = clock.now() - DAY
    ((running, late, lost),) = COUNTS.fetch(organization=organization.pk, since=since)
    return RunCounts(running, late, lost)
