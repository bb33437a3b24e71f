"""The context processor: variables of every page's template."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from sequin_admin.access.models import Membership
from sequin_admin.access.policy import Action, allows


def page(request: HttpRequest) -> dict[str, Any]:
    """`can.edit`, `can.reveal`...: what the user's role allows. `csp_nonce`: for django-htmx."""
    membership: Membership | None = getattr(request, "membership", None)
    return {
        "simulator_url": settings.SIMULATOR_URL,
        "csp_nonce": getattr(request, "csp_nonce", None),
        "organization": membership and membership.organization,
        "membership": membership,
        "memberships": getattr(request, "memberships", []),
        "can": {
            action.value: membership is not None and allows(membership.role, action)
            for action in Action
        },
    }
