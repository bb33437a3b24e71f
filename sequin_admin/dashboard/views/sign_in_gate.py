"""The page between a sign-in and an organization that asks for more: a second factor, a sign-on
through its provider, or one of its networks."""

from typing import cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET

from sequin_admin.access.sign_in_rules import Closed, Unmet, find_closed, has_factor, rules_of
from sequin_admin.core.actors import address_of
from sequin_admin.dashboard.access import AnyRequest, is_staff_path
from sequin_admin.dashboard.sign_in_gate import record_refused_network, sign_in_of

GOING_TO_SESSION_KEY = "going_to"


@require_GET
@login_required
def sign_in_gate(request: HttpRequest) -> HttpResponse:
    """What is missing, and the way to it; without anything missing, on to `next`."""
    known = cast(AnyRequest, request)
    asked = request.GET.get("organization")
    next_url = request.GET.get("next") or request.session.get(GOING_TO_SESSION_KEY) or "/"
    if not url_has_allowed_host_and_scheme(next_url, None):
        next_url = "/"
    chosen = [each for each in known.memberships if str(each.organization_id) == asked]
    staff, sign_in = is_staff_path(next_url), sign_in_of(request)
    closed = find_closed(chosen, sign_in, in_staff_admin=staff) or (not staff and known.closed)
    if not closed:
        request.session.pop(GOING_TO_SESSION_KEY, None)
        return redirect(next_url)
    if closed.unmet == Unmet.SECOND_FACTOR:
        request.session[GOING_TO_SESSION_KEY] = next_url
    elif closed.unmet == Unmet.NETWORK:
        record_refused_network(request, closed)
    status = 403 if closed.unmet == Unmet.NETWORK else 200
    context = describe_closed(request, closed) | {"next": next_url}
    return render(request, "account/sign_in_gate.html", context, status=status)


def describe_closed(request: HttpRequest, closed: Closed) -> dict[str, object]:
    organization = closed.membership.organization
    slug = rules_of(organization).provider
    return {
        "closed": organization,
        "unmet": closed.unmet.value,
        "address": address_of(request),
        "slug": slug,
        "provider": settings.OIDC_PROVIDERS.get(slug),
        "has_factor": has_factor(closed.membership.user),
    }
