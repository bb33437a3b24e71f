"""What leads a person on the overview: the tour of the demo, and the first steps without one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.conf import settings
from django.db.models import Count, Exists, OuterRef
from django.db.models.lookups import GreaterThan
from django.urls import reverse

from sequin_admin.access.models import Invitation, Organization
from sequin_admin.access.policy import Action, allows
from sequin_admin.core import clock
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.dashboard.access import Request
from sequin_admin.demo import tour
from sequin_admin.demo.tour import TourProgress
from sequin_admin.health import workers
from sequin_admin.notifications.models import Channel

# With this many credentials the first steps are no longer shown.
FIRST_STEPS_MAX = 10


@dataclass(frozen=True)
class Step:
    """One step: what to do and why. `action` is what a role must allow for its link.

    `more` are further links: a label and where it leads. `posts`: its link is a button.
    """

    title: str
    text: str
    href: str
    done: bool
    action: Action = Action.EDIT
    more: tuple[tuple[str, str], ...] = ()
    posts: bool = False


def build_guide(request: Request, *, credentials: int) -> Mapping[str, object]:
    """Variables of `overview/guide.html`: `tour`, or `steps`, and the `demo` they belong to.

    Staff who look around are led nowhere.
    """
    if request.membership.staff_access is not None:
        return {}
    shown, steps = build_tour(request), []
    if credentials < FIRST_STEPS_MAX and not shown["tour"]:
        steps = build_first_steps(request.organization, is_connected=credentials > 0)
    return {
        **shown,
        "steps": [] if all(step.done for step in steps) else only_allowed(request, steps),
    }


def build_tour(request: Request) -> Mapping[str, object]:
    """Variables of `overview/tour.html`."""
    progress = tour.find_progress(request.organization.pk, request.user)
    if progress is None:
        return {"demo": None, "tour": []}
    steps = tour_steps(progress) if progress.is_shown else []
    return {
        "demo": progress.demo,
        "tour": only_allowed(request, steps),
        "tour_done": sum(step.done for step in steps),
    }


def only_allowed(request: Request, steps: list[Step]) -> list[Step]:
    """The steps, without the links of those that the person's role does not allow."""
    role = request.membership.role
    return [step if allows(role, step.action) else replace(step, href="") for step in steps]


def tour_steps(progress: TourProgress) -> list[Step]:
    connected, metered = progress.connected, progress.demo.metered
    account = progress.connected_name or "the account"
    limit = reverse("dashboard:usage", args=[metered]) if metered else ""
    own = reverse("dashboard:credential", args=[connected]) if connected else ""
    return [
        Step(
            "Connect an account",
            "Through HubSpot's consent page, which the simulator shows.",
            reverse("dashboard:add", args=["hubspot_oauth2"]),
            connected is not None,
        ),
        Step(
            "Break it",
            f"Revoke our access to {account} in the simulator, then press Verify now on its page.",
            settings.SIMULATOR_URL,
            progress.broken,
            more=((f"Open {account}", own),) if own else (),
        ),
        Step(
            "See who is blamed",
            "A customer who took access back, we for our OAuth app, nobody for an outage.",
            reverse("dashboard:tour_look"),
            progress.looked,
            Action.VIEW,
            posts=True,
        ),
        Step(
            "Send a link",
            "A customer without a login connects an account with it in a minute.",
            reverse("dashboard:connect_links"),
            progress.linked,
        ),
        Step(
            "Set a limit",
            "Allow 1 request per second with Edit, and watch the gauge of the demo's worker fill.",
            limit or reverse("dashboard:credentials"),
            progress.limited,
        ),
    ]


def build_first_steps(organization: Organization, *, is_connected: bool) -> list[Step]:
    """The steps from an empty organization to one that is looked after."""
    done = first_steps_done(organization)
    simulator = (("Open the simulator", settings.SIMULATOR_URL),) if settings.SIMULATOR_URL else ()
    return [
        Step(
            "Add an OAuth app",
            "Your registration at a provider such as HubSpot, whose customers then connect with "
            "one press. Keys and passwords need none.",
            reverse("dashboard:oauth_apps"),
            is_connected or done["app"],
            Action.CONFIGURE,
        ),
        Step(
            "Connect an account",
            "Its tokens are renewed before they end, so that your workers never wait."
            + (" The simulator has accounts to try it with." if simulator else ""),
            reverse("dashboard:providers"),
            is_connected,
            more=simulator,
        ),
        Step(
            "Invite a colleague",
            "Somebody else should be able to act while you are away.",
            reverse("dashboard:members"),
            done["colleague"] or done["invitation"],
            Action.MANAGE,
        ),
        Step(
            "Say who is told",
            "By mail, Slack or webhook: once for each cause, with whose move it is.",
            reverse("dashboard:notifications"),
            done["channel"],
            Action.CONFIGURE,
        ),
        Step(
            "Run a worker",
            "It renews and checks in the background: without one access ends when its tokens do.",
            reverse("dashboard:worker"),
            done["worker"],
            Action.VIEW,
        ),
    ]


def first_steps_done(organization: Organization) -> dict[str, bool]:
    """What is there, in one query."""
    mine = {"organization": OuterRef("pk")}
    rows = Organization.objects.filter(pk=organization.pk)
    found = rows.values(
        app=Exists(OAuthApp.objects.filter(**mine)),
        colleague=GreaterThan(Count("memberships"), 1),
        invitation=Exists(Invitation.objects.acceptable(clock.now()).filter(**mine)),
        channel=Exists(Channel.objects.enabled().filter(**mine)),
        worker=Exists(workers.alive(clock.now())),
    ).get()
    return {name: bool(there) for name, there in found.items()}
