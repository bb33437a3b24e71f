"""Middleware: request id, headers, the user's organization, fresh logins on pages of libraries."""

import uuid
from collections.abc import Callable
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch
from django.utils import timezone
from django.utils.log import log_response

from sequin_admin.access import staff_access
from sequin_admin.access.models import Membership
from sequin_admin.access.sign_in_rules import Closed, find_closed
from sequin_admin.core import tracing
from sequin_admin.core.actors import actor_of
from sequin_admin.core.fresh_login import is_login_fresh
from sequin_admin.core.tracing import requests
from sequin_admin.dashboard import sign_in_gate
from sequin_admin.dashboard.access import AnyRequest, is_staff_path, lead_to_gate
from sequin_admin.dashboard.confirmation import NOTHING_DONE, redirect_to_confirmation

GetResponse = Callable[[HttpRequest], HttpResponse]
ORGANIZATION_SESSION_KEY = "organization"
# Powers of the browser that no page of ours uses, and those that only our own pages use.
PERMISSIONS_POLICY = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=(), "
    "clipboard-write=(self), publickey-credentials-create=(self), publickey-credentials-get=(self)"
)
# Pages of allauth about the address, the password and the second factors of the user.
FRESH_LOGIN_PAGES = {
    "account_email",
    "account_change_password",
    "account_set_password",
    "socialaccount_connections",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_add_webauthn",
    "mfa_edit_webauthn",
    "mfa_remove_webauthn",
    "mfa_generate_recovery_codes",
    "mfa_view_recovery_codes",
    "mfa_download_recovery_codes",
}
# Staff pages that only show rows; every other one, and every POST, changes something.
READ_ONLY_STAFF_PAGES = (
    *("index", "app_list", "changelist", "history", "change", "autocomplete"),
    *("jsi18n", "view_on_site", "password_change_done"),
)
STAFF_LOGIN_PAGES = {"login", "logout"}


def request_id(get_response: GetResponse) -> GetResponse:
    """Give each request an id that is in its log lines and in the `X-Request-Id` header."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code >= 400:
            # Django logs it only after this middleware, when the id is no longer bound.
            parts = (response.reason_phrase, request.path)
            log_response("%s: %s", *parts, response=response, request=request)
        return response

    def middleware(request: HttpRequest) -> HttpResponse:
        request_id = str(uuid.uuid4())
        cast(AnyRequest, request).id = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            if tracing.is_on():
                response = requests.traced(answer, request, request_id)
            else:
                response = answer(request)
        response["X-Request-Id"] = request_id
        return response

    return middleware


def headers(get_response: GetResponse) -> GetResponse:
    """Keep responses out of every cache unless they say how long, and set `Permissions-Policy`."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response

    return middleware


def organization(get_response: GetResponse) -> GetResponse:
    """Set `request.memberships`, `request.membership`, `request.organization`, `request.closed`.

    The membership is the one chosen in the session, else the oldest, else None; it is None, too,
    where the rules of its organization are not met. Open staff access counts as a membership, and
    its pages are written into the organization's audit log.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if is_staff_path(request.path_info) and not sign_in_gate.is_open_to_staff(request):
            sign_in_gate.refuse_staff_network(request)
        owned = load_memberships(request)
        current = choose_membership(request, owned)
        closed = apply_sign_in_rules(request, owned, current)
        known = cast(AnyRequest, request)
        known.memberships = owned if request.user.is_authenticated else []
        known.membership = current if request.user.is_authenticated and not closed else None
        known.organization = known.membership.organization if known.membership else None
        known.closed = closed
        if closed and is_staff_path(request.path_info):
            return lead_to_gate(request, closed)
        with timezone.override(zone_of(request)):
            response = get_response(request)
        record_staff_page(request, response.status_code)
        return response

    return middleware


def choose_membership(request: HttpRequest, owned: list[Membership]) -> Membership | None:
    chosen = request.session.get(ORGANIZATION_SESSION_KEY) if owned else None
    current = next((m for m in owned if str(m.organization_id) == chosen), None)
    return current or next(iter(owned), None)


def apply_sign_in_rules(
    request: HttpRequest, owned: list[Membership], current: Membership | None
) -> Closed | None:
    """End a session that is over, else write down that it is used; whether pages are closed to it.

    The staff admin reaches across organizations: each that the person is a member of has a say.
    """
    if not request.user.is_authenticated:
        return None
    in_staff_admin = is_staff_path(request.path_info)
    under = owned if in_staff_admin else [current] if current else []
    sign_in = sign_in_gate.sign_in_of(request)
    if sign_in_gate.end_if_over(request, under, sign_in):
        return None
    sign_in_gate.record_activity(request, sign_in)
    return find_closed(under, sign_in, in_staff_admin=in_staff_admin)


def zone_of(request: HttpRequest) -> ZoneInfo | None:
    """The time zone in which the person reads exact times; None for that of the settings."""
    name = getattr(request.user, "time_zone", "")
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        # It was renamed since.
        return None


def record_staff_page(request: HttpRequest, status: int) -> None:
    """Write an event when a page was opened under staff access, before its content is sent.

    Not those of the gateway: paths of connect links contain their token.
    """
    membership = cast(AnyRequest, request).membership
    access = membership and membership.staff_access
    match = request.resolver_match
    if access and match and match.app_name == "dashboard":
        staff_access.record_page(
            access,
            actor_of(request, access.user),
            method=request.method or "",
            path=request.path,
            status=status,
        )


def load_memberships(request: HttpRequest) -> list[Membership]:
    """All memberships of the user in one query; the sidebar lists them. Open staff access last."""
    if not request.user.is_authenticated:
        return []
    if request.user.is_staff and sign_in_gate.is_open_to_staff(request):
        return staff_access.memberships_of_staff(request.user)
    owned = Membership.objects.filter(user=request.user)
    return list(owned.select_related("organization__sign_in_rules").order_by("created_at", "pk"))


class FreshLogin:
    """Require a fresh login on pages of allauth and of the staff admin that give power.

    Must stand below allauth's middleware, which would store the body of a POST in the session
    and run it after the confirmation.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        match = request.resolver_match
        if not request.user.is_authenticated or match is None:
            return None
        if not page_gives_power(match, request.method or "") or is_login_fresh(request):
            return None
        return ask_for_confirmation(request)

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        required = isinstance(problem, ReauthenticationRequired)
        return ask_for_confirmation(request) if required else None


def page_gives_power(match: ResolverMatch, method: str) -> bool:
    """Whether a page of allauth or of the staff admin needs a fresh login."""
    name = match.url_name or ""
    if match.namespace != "admin":
        return match.view_name in FRESH_LOGIN_PAGES
    if not name or name in STAFF_LOGIN_PAGES:
        return False
    if name.endswith("_verb") and method == "POST":
        return False  # Asks itself, to keep what was typed.
    changes = name.endswith("password_change") or not name.endswith(READ_ONLY_STAFF_PAGES)
    return changes or method not in ("GET", "HEAD")


def ask_for_confirmation(request: HttpRequest) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        messages.warning(request, NOTHING_DONE)
    return redirect_to_confirmation(request, request.get_full_path())
