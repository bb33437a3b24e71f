"""Audit events about logins, second factors, passwords and sign-on, of what allauth signals.

What somebody entered as an address is never written: it may be a password in the wrong field.
"""

from typing import Any

from allauth.account import signals
from allauth.account.internal.flows.login import (
    get_authentication_records,
    record_authentication,
)
from allauth.mfa import signals as second_factors
from allauth.mfa.models import Authenticator
from allauth.socialaccount import signals as sign_on
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest

from sequin_admin.access.account_log import record_account_change, record_account_repeatable
from sequin_admin.access.addresses import account_of
from sequin_admin.access.models import User
from sequin_admin.access.sign_in_rules import FACTORS
from sequin_admin.audit.repeats import record_repeatable
from sequin_admin.core.actors import actor_of


def connect_signals() -> None:
    signals.user_logged_in.connect(record_login)
    user_logged_out.connect(record_logout)
    signals.password_changed.connect(record_password_change)
    signals.password_set.connect(record_password_change)
    signals.password_reset.connect(record_password_reset)
    second_factors.authenticator_added.connect(record_added_factor)
    second_factors.authenticator_removed.connect(record_removed_factor)
    second_factors.authenticator_reset.connect(record_added_factor)
    second_factors.authentication_failed.connect(record_refused_factor)
    sign_on.social_account_added.connect(record_connected_account)
    sign_on.social_account_removed.connect(record_disconnected_account)


def record_login(request: HttpRequest, user: User, **_: Any) -> None:
    records = get_authentication_records(request, user)
    names = ("type", "provider", "method")
    methods = [next(filter(None, map(record.get, names))) for record in records]
    record_account_change(user, "user.logged_in", actor_of(request, user), methods=methods)


def record_logout(request: HttpRequest, user: User | None, **_: Any) -> None:
    """Receiver of Django's signal, which has no user when nobody was signed in."""
    if user is not None and user.pk:
        record_account_change(user, "user.logged_out", actor_of(request, user))


def record_failed_login(request: HttpRequest, email: str) -> None:
    """Of somebody unknown; of the person signed in when they were to confirm that it is them."""
    actor = actor_of(request)
    if user := account_of(email) if email else None:
        record_account_repeatable(user, "user.login_failed", actor)
    else:
        record_repeatable(None, "user.login_failed", actor)


def record_password_change(request: HttpRequest, user: User, **_: Any) -> None:
    record_account_change(user, "user.password_changed", actor_of(request, user))


def record_password_reset(request: HttpRequest, user: User, **_: Any) -> None:
    """With a link that was mailed."""
    record_account_change(user, "user.password_reset", actor_of(request, user))


def record_added_factor(
    request: HttpRequest, user: User, authenticator: Authenticator, **_: Any
) -> None:
    """Who sets one up has used it, so the session is one with a second factor from now on."""
    actor, factor = actor_of(request, user), authenticator.type
    record_account_change(user, "user.second_factor_added", actor, factor=factor)
    if factor in FACTORS:
        record_authentication(request, user, "mfa", type=factor)


def record_removed_factor(
    request: HttpRequest, user: User, authenticator: Authenticator, **_: Any
) -> None:
    actor, factor = actor_of(request, user), authenticator.type
    record_account_change(user, "user.second_factor_removed", actor, factor=factor)


def record_refused_factor(request: HttpRequest, user: User, **_: Any) -> None:
    """A wrong code, after the right password."""
    record_account_repeatable(user, "user.second_factor_refused", actor_of(request))


def record_connected_account(request: HttpRequest, sociallogin: SocialLogin, **_: Any) -> None:
    """From the page Security; the first sign-on of somebody is written in `dashboard.sign_on`."""
    actor, name = actor_of(request), provider_name(sociallogin.account.provider)
    record_account_change(sociallogin.user, "user.sign_on_connected", actor, provider=name)


def record_disconnected_account(
    request: HttpRequest, socialaccount: SocialAccount, **_: Any
) -> None:
    actor, name = actor_of(request), provider_name(socialaccount.provider)
    record_account_change(socialaccount.user, "user.sign_on_disconnected", actor, provider=name)


def provider_name(slug: str) -> str:
    provider = settings.OIDC_PROVIDERS.get(slug)
    return provider.name if provider else slug


def record_limited(request: HttpRequest) -> None:
    """An attempt that was refused because there were too many. The page is written by its name:
    a path may have a token."""
    page = request.resolver_match.view_name if request.resolver_match else ""
    actor = actor_of(request)
    if isinstance(actor.row, User):
        record_account_repeatable(actor.row, "user.attempts_limited", actor, page=page)
    else:
        record_repeatable(None, "user.attempts_limited", actor, page=page)
