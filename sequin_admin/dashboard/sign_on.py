"""What allauth asks us at a sign-on: which providers there are, and whose account it is."""

from typing import Any, NoReturn

import structlog
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError, AuthProcess, Provider
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import render

from sequin_admin.access.account_log import record_account_change
from sequin_admin.access.identity_providers import IdentityProvider
from sequin_admin.access.sign_on import (
    Identity,
    SignOnRefused,
    find_or_make_account,
    invitation_of,
    is_member,
)
from sequin_admin.audit.repeats import record_repeatable
from sequin_admin.core.actors import actor_of
from sequin_admin.dashboard.views.invitations import INVITATION_SESSION_KEY

log = structlog.get_logger(__name__)

CANCELLED = "You cancelled at {name}, so you are not signed in."
FAILED = (
    "{name} did not tell us who you are in a way that we can trust, or did not answer. Begin "
    "again; if it stays so, whoever runs this server finds the reason in its log."
)


class SignOnAdapter(DefaultSocialAccountAdapter):
    """Takes providers from `OIDC_PROVIDERS` alone, and accounts from `access.sign_on`."""

    def list_apps(self, request: HttpRequest, **_: Any) -> list[SocialApp]:
        return [build_app(slug, each) for slug, each in settings.OIDC_PROVIDERS.items()]

    def get_provider(
        self, request: HttpRequest, provider: str, client_id: str | None = None
    ) -> Provider:
        """Loads what a sign-on needs, 6 MB, which a process without any leaves out."""
        from sequin_admin.dashboard.sign_on_protocol import SignOnProvider

        known = settings.OIDC_PROVIDERS.get(provider)
        # One that is gone can still be disconnected.
        gone = SocialApp(provider="openid_connect", provider_id=provider, name=provider)
        return SignOnProvider(request, app=build_app(provider, known) if known else gone)

    def get_requests_session(self) -> NoReturn:
        """No call of allauth's own: `sign_on_http` makes them, through `core.http`."""
        raise NotImplementedError("Call a provider by sign_on_http.fetch_object().")

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find the account of somebody who signs on for the first time, or make it."""
        if sociallogin.is_existing or sociallogin.state.get("process") == AuthProcess.CONNECT:
            return
        slug = sociallogin.account.provider
        provider = settings.OIDC_PROVIDERS[slug]
        try:
            with transaction.atomic():
                link_account(request, sociallogin, provider)
        except SignOnRefused as refusal:
            self.refuse(request, provider, refusal.code, str(refusal))
        except IntegrityError:
            self.refuse(request, provider, "twice", FAILED.format(name=provider.name))

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Provider,
        error: str | None = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        known = settings.OIDC_PROVIDERS[provider.app.provider_id]
        if error == AuthError.CANCELLED:
            self.refuse(request, known, "cancelled", CANCELLED.format(name=known.name))
        log.warning("sign_on_failed", provider=provider.app.provider_id, reason=str(exception))
        self.refuse(request, known, "not_trusted", FAILED.format(name=known.name))

    def refuse(
        self, request: HttpRequest, provider: IdentityProvider, code: str, sentence: str
    ) -> None:
        """Answer with the sentence, and write an event. Raises `ImmediateHttpResponse`."""
        name = provider.name
        record_repeatable(None, "user.sign_on_refused", actor_of(request), provider=name, code=code)
        context = {"name": name, "sentence": sentence}
        page = render(request, "account/sign_on_refused.html", context, status=403)
        raise ImmediateHttpResponse(page)


def link_account(
    request: HttpRequest, sociallogin: SocialLogin, provider: IdentityProvider
) -> None:
    """Know the account by the provider's identity from now on. Raises `SignOnRefused`."""
    identity, actor = identity_of(sociallogin.account), actor_of(request)
    user = find_or_make_account(provider, identity, actor)
    sociallogin.user = sociallogin.account.user = user
    sociallogin.account.save()
    record_account_change(
        user, "user.sign_on_connected", actor_of(request, user), provider=provider.name
    )
    invitation = invitation_of(user.email)
    if invitation and not is_member(invitation.organization, user):
        request.session[INVITATION_SESSION_KEY] = invitation.digest
        sociallogin.state["next"] = "/accounts/invitation/"


def identity_of(account: SocialAccount) -> Identity:
    told = account.extra_data
    return Identity(
        uid=account.uid,
        email=str(told.get("email") or ""),
        # Some providers write it as a text.
        email_verified=told.get("email_verified") in (True, "true"),
        factors=frozenset(told["factors"]),
    )


def proves_second_factor(sociallogin: SocialLogin) -> bool:
    """Whether the provider asked for a second factor at this sign-on."""
    provider = settings.OIDC_PROVIDERS[sociallogin.account.provider]
    return identity_of(sociallogin.account).proves_second_factor(provider)


def build_app(slug: str, provider: IdentityProvider) -> SocialApp:
    """As allauth takes it; never stored."""
    return SocialApp(
        provider="openid_connect",
        provider_id=slug,
        name=provider.name,
        client_id=provider.client_id,
        secret=provider.client_secret,
        settings={
            "server_url": provider.issuer.rstrip("/"),
            "scope": list(provider.scopes),
            "oauth_pkce_enabled": True,
        },
    )
