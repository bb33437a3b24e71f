"""How many runs go on, are late or were lost: one line of the overview."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import OuterRef

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.dashboard.subqueries import count_rows
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


def count_runs(organization: Organization) -> RunCounts:
    """With one query, each part of which an index answers."""
    runs = Run.objects.filter(organization=OuterRef("pk"))
    late = Incident.objects.open().filter(
        organization=OuterRef("pk"), entity=Sync.entity, code=LATE
    )
    lost = runs.filter(status=RunStatus.LOST, ended_at__gte=clock.now() - DAY)
    counts = Organization.objects.filter(pk=organization.pk).values(
        running=count_rows(runs.filter(status=RunStatus.RUNNING)),
        late=count_rows(late),
        lost=count_rows(lost),
    )
    return RunCounts(**counts.get())
