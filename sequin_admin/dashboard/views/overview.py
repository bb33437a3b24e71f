"""The first page: how many are well, who must act on the others, what changed."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from sequin_admin.access.models import Organization
from sequin_admin.access.policy import Action
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.dashboard.access import Request, may
from sequin_admin.health import fleet
from sequin_admin.health.models import Transition
from sequin_admin.health.status import Status
from sequin_admin.limits.models import RateLimit
from sequin_admin.limits.usage import running_near_limit

SHOWN = 8
RECENT = 10
# A larger fleet needs no introduction.
NEWCOMER = 10


@dataclass(frozen=True)
class Step:
    """One step of the start: what to do, why, where, and whether it is done."""

    title: str
    text: str
    href: str
    done: bool


@require_GET
@may(Action.VIEW)
def overview(request: Request) -> HttpResponse:
    organization = request.organization
    census = fleet.census(organization)
    steps = steps_of(organization, census) if census.total < NEWCOMER else []
    if not census.total:
        return render(request, "overview/start.html", {"steps": steps})
    context = {
        "census": census,
        "counts": [(status, census.by_status.get(status, 0)) for status in COUNTED],
        "unprobed": census.by_status.get("", 0),
        **fleet.ours_and_nobodys(organization, SHOWN),
        "theirs": fleet.theirs(organization)[:SHOWN],
        "hot": running_near_limit(organization)[:SHOWN],
        "transitions": Transition.objects.of(organization)[:RECENT],
        "steps": [] if all(step.done for step in steps) else steps,
        "shown": SHOWN,
    }
    return render(request, "overview/index.html", context)


COUNTED = [Status.SEQUIN, Status.CUSTOMER, Status.HEALTHY]


def steps_of(organization: Organization, census: fleet.Census) -> list[Step]:
    """The way from an empty organization to the first paced credential."""
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
