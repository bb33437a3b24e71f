"""The first steps, until they are done."""

from dataclasses import dataclass

from django.urls import reverse

from sequin_admin.access.models import Organization
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.health.fleet import Census
from sequin_admin.limits.models import RateLimit

# With this many credentials the first steps are no longer shown.
ONBOARDING_MAX = 10


@dataclass(frozen=True)
class Step:
    """One onboarding step."""

    title: str
    text: str
    href: str
    done: bool


def build_onboarding_steps(organization: Organization, census: Census) -> list[Step]:
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


def list_open_steps(organization: Organization, census: Census) -> list[Step]:
    """None once all are done, or with so many credentials that somebody knows the way."""
    if census.total >= ONBOARDING_MAX:
        return []
    steps = build_onboarding_steps(organization, census)
    return [] if all(step.done for step in steps) else steps
