"""How the person of a request is signed in, and the end of a session that has lasted too long."""

import time
from collections.abc import Sequence
from typing import NoReturn, cast

from allauth.account.internal.flows.login import get_authentication_records
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from sequin_admin.access.account_log import record_account_change
from sequin_admin.access.models import Membership, User
from sequin_admin.access.sign_in_rules import Closed, SignIn, find_end, rules_of
from sequin_admin.audit.repeats import record_repeatable
from sequin_admin.core import clock
from sequin_admin.core.actors import actor_of, address_of
from sequin_admin.core.fresh_login import LOGIN_AT_SESSION_KEY
from sequin_admin.core.networks import allows_address

ACTIVE_AT_SESSION_KEY = "active_at"
# Activity is written down once in this many seconds.
ACTIVITY_S = 60
# Of a request that a page makes by itself, see `static/js/polls.js`.
POLL_HEADER = "X-Poll"
# allauth's name of a sign-in through a provider, and ours for the provider's second factor.
SIGNED_ON, OUTER_FACTOR = "socialaccount", "openid_second_factor"


def sign_in_of(request: HttpRequest) -> SignIn:
    """How the person of the request, who is signed in, did so."""
    user = cast(User, request.user)
    records = get_authentication_records(request, user)
    methods = {record["method"] for record in records}
    began_at = request.session.get(LOGIN_AT_SESSION_KEY, 0)
    return SignIn(
        user=user,
        began_at=began_at,
        active_at=request.session.get(ACTIVE_AT_SESSION_KEY, began_at),
        address=address_of(request),
        providers=frozenset(r["provider"] for r in records if r["method"] == SIGNED_ON),
        own_factor="mfa" in methods,
        outer_factor=OUTER_FACTOR in methods,
    )


def end_if_over(request: HttpRequest, memberships: Sequence[Membership], sign_in: SignIn) -> bool:
    """End the session when it has lasted too long for one of the organizations."""
    rules = [rules_of(membership.organization) for membership in memberships]
    reason = find_end(rules, sign_in, time.time())
    if not reason:
        return False
    user = sign_in.user
    record_account_change(user, "user.session_expired", actor_of(request, user), reason=reason)
    UserSession.objects.filter(session_key=request.session.session_key).delete()
    logout(request)
    messages.info(request, f"You are signed out: {reason}")
    return True


def record_activity(request: HttpRequest, sign_in: SignIn) -> None:
    """Write down that the session is used, once a minute; a poll is no activity."""
    now = time.time()
    if now - sign_in.active_at < ACTIVITY_S or POLL_HEADER in request.headers:
        return
    request.session[ACTIVE_AT_SESSION_KEY] = now
    actor = actor_of(request)
    rows = UserSession.objects.filter(session_key=request.session.session_key)
    seen = {"ip": actor.address} if actor.address else {}
    rows.update(last_seen_at=clock.now(), user_agent=actor.origin["user_agent"], **seen)


def is_open_to_staff(request: HttpRequest) -> bool:
    """Whether the caller is where `STAFF_NETWORKS` lets staff work from."""
    return allows_address(settings.STAFF_NETWORKS, address_of(request))


def refuse_staff_network(request: HttpRequest) -> NoReturn:
    """Raises `PermissionDenied`, with an event of who is signed in."""
    if request.user.is_authenticated:
        record_repeatable(None, "staff.network_refused", actor_of(request))
    raise PermissionDenied(
        f"The staff admin does not open from {address_of(request) or 'an unknown address'}. "
        "Come from a network that STAFF_NETWORKS names, or ask whoever runs this server to add "
        "yours."
    )


def record_refused_network(request: HttpRequest, closed: Closed) -> None:
    organization = closed.membership.organization
    record_repeatable(
        organization,
        "organization.network_refused",
        actor_of(request),
        organization_id=organization.pk,
    )
