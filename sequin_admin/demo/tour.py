"""How far a person is in the demo's tour, by what is really there."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, Subquery

from sequin_admin.access.models import User
from sequin_admin.audit.models import Event
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.demo.models import Demo, TourVisit
from sequin_admin.health.models import Incident
from sequin_admin.limits.models import ACTION

PERSON = "user"


@dataclass(frozen=True)
class TourProgress:
    """What was done since the demo was made. `connected` is the id of the latest account since, and
    `connected_name` its name; None and "" while there is none."""

    demo: Demo
    dismissed: bool
    connected: UUID | None
    connected_name: str
    broken: bool
    looked: bool
    linked: bool
    limited: bool

    @property
    def done(self) -> tuple[bool, ...]:
        """Of each step, in their order."""
        return (self.connected is not None, self.broken, self.looked, self.linked, self.limited)

    @property
    def is_shown(self) -> bool:
        return not self.dismissed and not all(self.done)


def find_progress(organization_id: UUID, user: User) -> TourProgress | None:
    """How far the person is, by one query; None without a demo that is ready, which one that costs
    little asks first."""
    there = find_demo(organization_id)
    if there is None:
        return None
    since = {"organization": OuterRef("pk"), "created_at__gt": OuterRef("ready_at")}
    own = Credential.objects.filter(**since).order_by("-created_at")
    links = ConnectLink.objects.filter(**since).exclude(created_by=None)
    incidents = Incident.objects.filter(
        organization=OuterRef("pk"), opened_at__gt=OuterRef("ready_at")
    )
    limits = Event.objects.filter(
        organization_id=OuterRef("pk"),
        at__gt=OuterRef("ready_at"),
        action=ACTION,
        actor_type=PERSON,
    )
    demo = (
        Demo.objects.filter(pk=there.pk)
        .annotate(
            visit=FilteredRelation("visits", condition=Q(visits__user=user)),
            looked_at=F("visit__looked_at"),
            dismissed_at=F("visit__dismissed_at"),
            connected=Subquery(own.values("pk")[:1]),
            connected_name=Subquery(own.values("name")[:1]),
            broken=Exists(incidents.exclude(entity="target")),
            linked=Exists(links),
            limited=Exists(limits),
        )
        .get()
    )
    found = vars(demo)
    return TourProgress(
        demo,
        dismissed=found["dismissed_at"] is not None,
        connected=found["connected"],
        connected_name=found["connected_name"] or "",
        broken=found["broken"],
        looked=found["looked_at"] is not None,
        linked=found["linked"],
        limited=found["limited"],
    )


def find_broken(demo: Demo) -> Incident | None:
    """The latest incident since the demo was made."""
    since = demo.ready_at or clock.now()
    rows = Incident.objects.filter(organization=demo.organization_id, opened_at__gt=since)
    return rows.exclude(entity="target").order_by("-opened_at").first()


def record_look(demo: Demo, user: User) -> Incident | None:
    """The person looks at who is to blame. Returns the incident to show; None while there is
    none, and then nothing is recorded."""
    incident = find_broken(demo)
    if incident:
        save_visit(demo, user, looked_at=clock.now())
    return incident


def dismiss(demo: Demo, user: User) -> None:
    save_visit(demo, user, dismissed_at=clock.now())


def save_visit(demo: Demo, user: User, **columns: object) -> None:
    TourVisit.objects.update_or_create(demo=demo, user=user, defaults=columns)


def find_demo(organization_id: UUID) -> Demo | None:
    """The organization's demo, once it is ready."""
    return Demo.objects.filter(organization=organization_id, ready_at__isnull=False).first()
