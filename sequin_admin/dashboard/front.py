"""The front of the page of a credential, OAuth app, sync, target or consumer, and its tabs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import cached_property

from sequin_admin.access.policy import Action, allows
from sequin_admin.core import clock
from sequin_admin.core.monitored import Monitored
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.dashboard import live
from sequin_admin.dashboard.access import Request
from sequin_admin.dashboard.listing import parse_uuids
from sequin_admin.dashboard.live import Current
from sequin_admin.dashboard.recent import remember_viewed
from sequin_admin.dashboard.run_pages.progress import ShownRun
from sequin_admin.dashboard.run_pages.sync_runs import find_sync_runs
from sequin_admin.dashboard.templatetags.ui import shown_status
from sequin_admin.health import rollup
from sequin_admin.health.entities import monitored_models, with_dependencies
from sequin_admin.health.status import Reason, Status
from sequin_admin.syncs.health import keep_consumers
from sequin_admin.syncs.models import Consumer, Run, Sync, Target

# The tabs of each sort of page: name of the URL, title, and what one must be allowed to do.
TABS = {
    "credential": (
        ("credential", "Overview", Action.VIEW),
        ("credential_token", "Token", Action.VIEW),
        ("usage", "Limits and usage", Action.VIEW),
        ("credential_syncs", "Syncs", Action.VIEW),
        ("credential_use", "Use it", Action.VIEW),
        ("credential_history", "History", Action.VIEW),
        ("credential_danger", "Danger", Action.EDIT),
    ),
    "oauth_app": (
        ("oauth_app", "Overview", Action.VIEW),
        ("oauth_app_guide", "Set it up", Action.VIEW),
        ("oauth_app_history", "History", Action.VIEW),
        ("oauth_app_danger", "Danger", Action.CONFIGURE),
    ),
    "sync": (
        ("sync", "Overview", Action.VIEW),
        ("sync_runs", "Runs", Action.VIEW),
        ("sync_badge_page", "Public badge", Action.VIEW),
        ("sync_history", "History", Action.VIEW),
        ("sync_danger", "Danger", Action.EDIT),
    ),
    "target": (
        ("target", "Overview", Action.VIEW),
        ("target_history", "History", Action.VIEW),
        ("target_danger", "Danger", Action.CONFIGURE),
    ),
    "consumer": (
        ("consumer", "Overview", Action.VIEW),
        ("consumer_history", "History", Action.VIEW),
        ("consumer_danger", "Danger", Action.EDIT),
    ),
}
WHOSE_MOVE = {
    Status.HEALTHY: "Nobody's",
    Status.CUSTOMER: "The customer's",
    Status.SEQUIN: "Ours",
    "disabled": "Ours, to enable it",
    "not_running": "Ours, to start it",
    "": "Nobody's: a worker checks it",
}


@dataclass(frozen=True)
class Tab:
    """One link of the tab bar."""

    title: str
    url: str
    is_current: bool


@dataclass(frozen=True)
class Dependant:
    """How many rows of a sort need the subject, and where they are listed."""

    count: int
    noun: str
    url: str


class Front:
    """What a page shows of `subject` above its tabs. Queries run when the template asks."""

    def __init__(
        self, subject: Monitored, here: str, role: str, latest: Sequence[Run] | None = None
    ) -> None:
        """`latest` are the latest runs of a sync, where they are known already."""
        self.subject, self.here, self.role, self.latest = subject, here, role, latest
        self.step = f"health/steps/{subject.entity}.html"
        self.url = reverse(f"dashboard:{subject.entity}", args=[subject.pk])

    @property
    def title(self) -> str:
        """The tab's title and the subject; the subject alone on the first tab."""
        current = next(tab.title for tab in self.tabs if tab.is_current)
        first = self.here == self.subject.entity
        return str(self.subject) if first else f"{current} · {self.subject}"

    @cached_property
    def tabs(self) -> list[Tab]:
        return [
            Tab(title, reverse(f"dashboard:{name}", args=[self.subject.pk]), name == self.here)
            for name, title, action in TABS[self.subject.entity]
            if allows(self.role, action)
        ]

    @property
    def awaits_use(self) -> bool:
        """Whether it is an OAuth app that no account was connected through: nothing checks it."""
        return isinstance(self.subject, OAuthApp) and not self.subject.health_status

    @property
    def is_checked(self) -> bool:
        """Whether a worker checks it from time to time."""
        return isinstance(self.subject, Credential | Target)

    @property
    def whose_move(self) -> str:
        if self.awaits_use:
            return "Ours, to connect an account"
        return WHOSE_MOVE[shown_status(self.subject)]

    @cached_property
    def chain(self) -> list[Reason]:
        """From what the status comes, down to the cause. Empty for what is not unhealthy."""
        if self.subject.health_status not in (Status.CUSTOMER, Status.SEQUIN):
            return []
        if isinstance(self.subject, Sync):
            keep_consumers(self.subject)
        winner = next(iter(rollup.list_reasons(self.subject)), None)
        return list(winner.chain()) if winner else []

    @property
    def is_tested(self) -> bool:
        """Whether the test of a target is under way, which ends within seconds."""
        return isinstance(self.subject, Target) and self.subject.waits_for_test()

    @property
    def is_checked_soon(self) -> bool:
        """Whether it was never checked, or a check is due now."""
        if self.subject.is_disabled() or not isinstance(self.subject, Credential):
            return False
        due = self.subject.check_due_at
        return not self.subject.health_status or (due is not None and due <= clock.now())

    @property
    def part(self) -> Current:
        """The front as a part of the page that stays up to date."""
        row = self.subject
        shown = (shown_status(row), str(row.health_since), row.health_note, self.is_tested)
        run = self.last_run
        return Current(
            "front",
            f"{row.entity}:{row.pk}",
            state=(*shown, [(str(reason.id), reason.status) for reason in self.chain]),
            details=(str(row.checked_at), str(row.check_due_at), run and run.brief),
            context={"front": self, "subject": row, row.entity: row},
            soon=self.is_tested or self.is_checked_soon,
        )

    @cached_property
    def last_run(self) -> ShownRun | None:
        """The latest run of a sync."""
        if not isinstance(self.subject, Sync):
            return None
        if self.latest is None:
            runs = Run.objects.filter(sync=self.subject.pk).order_by("-started_at", "-id")
            self.latest = list(runs.defer("log", "collections")[:1])
            for run in self.latest:
                run.sync = self.subject
        newest = max(self.latest, key=lambda run: run.started_at, default=None)
        return ShownRun(newest) if newest else None

    @cached_property
    def dependants(self) -> list[Dependant]:
        return [each for each in dependants_of(self.subject) if each.count]


def dependants_of(subject: Monitored) -> list[Dependant]:
    here = reverse(f"dashboard:{subject.entity}", args=[subject.pk])
    if isinstance(subject, Credential):
        syncs = Sync.objects.filter(credential=subject)
        consumers = Consumer.objects.filter(organization=subject.organization_id).consuming(syncs)
        listed = reverse("dashboard:credential_syncs", args=[subject.pk])
        return [
            Dependant(syncs.count(), "sync", listed),
            Dependant(consumers.count(), "consumer", listed),
        ]
    if isinstance(subject, OAuthApp):
        listed = f"{reverse('dashboard:credentials')}?oauth_app={subject.pk}"
        return [Dependant(subject.credentials.count(), "credential", listed)]
    if isinstance(subject, Sync):
        return [Dependant(len(keep_consumers(subject)), "consumer", f"{here}#consumers")]
    if isinstance(subject, Consumer):
        return [Dependant(subject.selected_syncs().count(), "sync", f"{here}#syncs")]
    consumers = cast(Target, subject).consumers.all()
    return [Dependant(consumers.count(), "consumer", f"{here}#consumers")]


@live.register("front", "components/front.html")
def load_fronts(request: Request, keys: Sequence[str]) -> Iterator[Current]:
    """A key is an entity and an id. A page has one front."""
    entity, _, pk = keys[0].partition(":")
    rows = with_dependencies(monitored_models()[entity]) if entity in TABS else None
    found = rows and rows.of(request.organization).filter(pk__in=parse_uuids([pk]))
    # Those that the tab Runs shows besides are asked for once.
    runs = find_sync_runs(request, pk) if "sync_runs" in request.GET else None
    for subject in found or ():
        yield Front(subject, entity, request.membership.role, runs.latest if runs else None).part


def render_tab(
    request: Request,
    template: str,
    subject: Monitored,
    here: str,
    context: dict[str, Any],
    *,
    latest: Sequence[Run] | None = None,
) -> HttpResponse:
    """A tab, which extends `components/front_page.html`."""
    remember_viewed(request, subject.entity, subject)
    front = Front(subject, here, request.membership.role, latest)
    context = {"subject": subject, "front": front, subject.entity: subject, **context}
    return render(request, template, context)
