"""What the endpoints read of requests and answer to wrong ones."""

import json
import secrets
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.calls import state_of
from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse
from sequin_admin.simulator.models import SimulatedAccount, remembered


def flat_error(error: str, description: str, status: int) -> HttpResponse:
    """An error response of the token endpoint (RFC 6749 section 5.2)."""
    return JsonResponse({"error": error, "error_description": description}, status=status)


def constant_time_equal(one: str, other: str) -> bool:
    """Compare in constant time; `compare_digest` takes non-ASCII text only as bytes."""
    return secrets.compare_digest(one.encode(), other.encode())


def parse_json(request: HttpRequest) -> dict[str, Any]:
    """The fields of a JSON body; none unless it is an object."""
    try:
        known = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


def select_tenant(
    request: HttpRequest, provider: ProviderSimulator, external_id: str
) -> SimulatedAccount:
    """The account whose own host was called, the call's tenant. Raises `SimulatedResponse`."""
    account = remembered(
        ("tenant", provider.slug, external_id),
        lambda: SimulatedAccount.objects.filter(
            provider=provider.slug, external_id__iexact=external_id
        ).first(),
    )
    if account is None:
        raise SimulatedResponse(
            JsonResponse({"message": f"Nobody lives at {external_id}"}, status=404)
        )
    state_of(request).tenant = account
    return account
