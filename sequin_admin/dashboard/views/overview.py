"""The overview: credentials by status, open incidents by who must act, recent changes."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from sequin_admin.access.models import Organization
from sequin_admin.access.policy import Action
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.dashboard import provider_grid
from sequin_admin.dashboard.access import Request, may
from sequin_admin.health import fleet
from sequin_admin.health.models import Transition
from sequin_admin.health.status import Status
from sequin_admin.limits.models import RateLimit
from sequin_admin.limits.usage import running_near_limit

MAX_INCIDENTS = 8
RECENT = 10
# With this many credentials the first steps are no longer shown.
ONBOARDING_MAX = 10


@dataclass(frozen=True)
class Step:
    """One onboarding step."""

    title: str
    text: str
    href: str
    done: bool


@require_GET
@may(Action.VIEW)
def overview(request: Request) -> HttpResponse:
    organization = request.organization
    census = fleet.get_census(organization)
    steps = build_onboarding_steps(organization, census) if census.total < ONBOARDING_MAX else []
    if not census.total:
        return render(request, "overview/start.html", {"steps": steps})
    context = {
        "census": census,
        "counts": [(status, census.by_status.get(status, 0)) for status in COUNTED_STATUSES],
        "unprobed": census.by_status.get("", 0),
        **fleet.our_incidents_and_outages(organization, MAX_INCIDENTS),
        "customer_incidents": fleet.customer_incidents(organization)[:MAX_INCIDENTS],
        "near_limit": running_near_limit(organization)[:MAX_INCIDENTS],
        "transitions": Transition.objects.of(organization)[:RECENT],
        "provider_grid": provider_grid.build_part(census),
        "steps": [] if all(step.done for step in steps) else steps,
        "shown": MAX_INCIDENTS,
    }
    return render(request, "overview/index.html", context)


COUNTED_STATUSES = [Status.SEQUIN, Status.CUSTOMER, Status.HEALTHY]


def build_onboarding_steps(organization: Organization, census: fleet.Census) -> list[Step]:
    """The steps from an empty organization to a credential with a rate limit."""
    connected = census.total > 0
    return [
        Step(
            "Add an OAuth app",
            "Your registration at a provider such as HubSpot. Keys and passwords need none.",
            reverse("dashboard:oauth_apps"),
            connected or OAuthApp.objects.of(organization).exists(),
        ),
        Step(
            "Connect an account",
            "Through the provider's consent page, or with a key or password.",
            reverse("dashboard:providers"),
            connected,
        ),
        Step(
            "Set a rate limit",
            "Open a credential and say how fast it may be used. Until then it has its kind's own.",
            reverse("dashboard:credentials"),
            RateLimit.objects.filter(credential__organization=organization).exists(),
        ),
    ]
