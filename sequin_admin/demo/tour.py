"""How far a person is in the demo's tour, by what is really there."""

from dataclasses import dataclass
from uuid import UUID

from sequin_admin.access.models import User
from sequin_admin.audit.models import Event
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.demo.models import Demo, TourVisit, marked_rows
from sequin_admin.health.models import Incident
from sequin_admin.limits.models import ACTION

PERSON = "user"


@dataclass(frozen=True)
class TourProgress:
    """`broken` is the latest incident since the demo was made, `connected` the latest account that
    is not the demo's; None while there is none."""

    demo: Demo
    dismissed: bool
    connected: Credential | None
    broken: Incident | None
    looked: bool
    linked: bool
    limited: bool

    @property
    def done(self) -> tuple[bool, ...]:
        """Of each step, in their order."""
        return (
            self.connected is not None,
            self.broken is not None,
            self.looked,
            self.linked,
            self.limited,
        )

    @property
    def is_shown(self) -> bool:
        return not self.dismissed and not all(self.done)


def get_progress(demo: Demo, user: User) -> TourProgress:
    since, organization = demo.ready_at or clock.now(), demo.organization_id
    visit = TourVisit.objects.filter(demo=demo, user=user).first() or TourVisit()
    accounts = Credential.objects.filter(organization=organization).defer("secrets")
    own = accounts.exclude(pk__in=marked_rows(demo, Credential).values("pk")).order_by(
        "-created_at"
    )
    links = ConnectLink.objects.filter(organization=organization, created_at__gt=since)
    limits = Event.objects.filter(organization_id=organization, at__gt=since, action=ACTION)
    return TourProgress(
        demo,
        dismissed=visit.dismissed_at is not None,
        connected=own.order_by("-created_at").first(),
        broken=find_broken(demo),
        looked=visit.looked_at is not None,
        linked=links.exclude(created_by=None).exists(),
        limited=limits.filter(actor_type=PERSON).exists(),
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
