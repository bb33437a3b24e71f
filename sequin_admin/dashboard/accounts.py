"""Accounts: sign-up is closed, addresses are confirmed, and mails name `PUBLIC_URL`."""

from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.internal.flows.login import (
    get_authentication_records,
    record_authentication,
)
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.stages import AuthenticateStage
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from sequin_admin.access import addresses
from sequin_admin.access.models import Invitation, User
from sequin_admin.core.actors import actor_of, address_of
from sequin_admin.dashboard import account_events, sign_on
from sequin_admin.dashboard.middleware import ORGANIZATION_SESSION_KEY
from sequin_admin.dashboard.sign_in_gate import OUTER_FACTOR

log = structlog.get_logger(__name__)

STAGES = {
    "allauth.mfa.stages.AuthenticateStage": "sequin_admin.dashboard.accounts.SecondFactorStage"
}
UNSPECIFIED = "0.0.0.0"  # noqa: S104 - no address to listen on


class AccountAdapter(DefaultAccountAdapter):
    """Ties allauth to our accounts: nobody signs up, mails are ours, changes are audited."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The caller by whose address login attempts are limited, as `TRUSTED_PROXIES` sees it.

        Callers without a known address share one limit. Login sessions store it as an address, so
        it is the unspecified one then (RFC 1122 section 3.2.1.3).
        """
        return str(address_of(request) or UNSPECIFIED)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        super().authentication_failed(request, **credentials)
        account_events.record_failed_login(request, str(credentials.get("email") or ""))

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        """Remember in the session that the OpenID provider asked for a second factor."""
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        login = (kwargs["signal_kwargs"] or {}).get("sociallogin")
        if response is None and login and sign_on.proves_second_factor(login):
            record_authentication(request, user, OUTER_FACTOR)
        return response

    def get_login_stages(self) -> list[str]:
        stages: list[str] = super().get_login_stages()
        return [STAGES.get(stage, stage) for stage in stages]

    def logout(self, request: HttpRequest) -> None:
        """Who signs on anew goes on in the organization they were in."""
        chosen = request.session.get(ORGANIZATION_SESSION_KEY)
        super().logout(request)
        match = request.resolver_match
        if chosen and match and match.url_name == "openid_connect_callback":
            request.session[ORGANIZATION_SESSION_KEY] = chosen

    def validation_error(self, code: str, *args: object) -> ValidationError:
        """Whatever is refused as too many attempts leaves an event."""
        if code == "too_many_login_attempts" and self.request:
            account_events.record_limited(self.request)
        refusal: ValidationError = super().validation_error(code, *args)
        return refusal

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The URL in mails begins with `PUBLIC_URL`, whatever the host of the request."""
        uid, _, token = key.partition("-")
        return public_url("account_reset_password_from_key", uidb36=uid, key=token)

    def get_email_confirmation_url(
        self, request: HttpRequest, emailconfirmation: EmailConfirmationHMAC
    ) -> str:
        return public_url("account_confirm_email", key=emailconfirmation.key)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Make the confirmed address the account's only one. Written into the audit log."""
        user: User = email_address.user
        if addresses.is_taken(email_address.email, user):
            taken = f"{email_address.email} belongs to another account. Nothing was changed."
            messages.error(request, taken)
            return False
        before = user.email
        with transaction.atomic():
            if not super().confirm_email(request, email_address):
                return False
            user.username = user.email
            user.save(update_fields=["username"])
            addresses.record_address_change(user, before, actor_of(request, user))
        return True

    def send_confirmation_mail(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        try:
            super().send_confirmation_mail(request, *args, **kwargs)
        except OSError:
            log.exception("confirmation_mail_failed")
            messages.error(
                request,
                "The mail with the link to confirm the address could not be sent. Ask whoever "
                "runs this server to check its mail settings, then send it again.",
            )

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Mails about a change that is done: a mail server in trouble must not hide the result."""
        try:
            super().send_notification_mail(*args, **kwargs)
        except OSError:
            log.exception("account_notification_failed")

    def render_mail(
        self, template_prefix: str, email: str, context: dict[str, Any], **kwargs: Any
    ) -> EmailMessage:
        context = {"public_url": settings.PUBLIC_URL, **context}
        message: EmailMessage = super().render_mail(template_prefix, email, context, **kwargs)
        return message


class SecondFactorStage(AuthenticateStage):
    """Asks for the account's second factor unless the OpenID provider has asked for its own."""

    def _should_handle(self, request: HttpRequest) -> bool:
        records = get_authentication_records(request, self.login.user)
        if any(record["method"] == OUTER_FACTOR for record in records):
            return False
        return bool(super()._should_handle(request))


def public_url(name: str, **kwargs: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, kwargs=kwargs)}"


def send_invitation(invitation: Invitation, token: str) -> None:
    """Mail the link that accepts the invitation. Raises `OSError` if the mail fails."""
    context = {"invitation": invitation, "url": public_url("invitation_open", token=token)}
    get_adapter().send_mail("account/email/invitation", invitation.email, context)
