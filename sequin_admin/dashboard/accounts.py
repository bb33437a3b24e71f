"""Accounts by invitation: sign-up is closed, and an invitation is a password-reset link."""

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from sequin_admin.access.models import Organization, User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The caller by whose address login attempts are limited, as `TRUSTED_PROXIES` sees it.

        Callers without a known address share one limit.
        """
        peer = request.META.get("REMOTE_ADDR", "")
        forwarded_for = request.META.get("HTTP_X_FORWARDED_FOR", "")
        return str(settings.TRUSTED_PROXIES.client_address(peer, forwarded_for) or "unknown")

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The URL in mails begins with `PUBLIC_URL`, whatever the host of the request."""
        uid, _, token = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})
        return f"{settings.PUBLIC_URL}{path}"


def send_invitation(user: User, organization: Organization, *, inviter: User) -> None:
    """Mail a new user the link to choose a password. Raises `OSError` if the mail fails."""
    adapter = get_adapter()
    key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
    context = {
        "organization": organization,
        "inviter": inviter,
        "url": adapter.get_reset_password_from_key_url(key),
        "days": settings.PASSWORD_RESET_TIMEOUT // 86_400,
        "public_url": settings.PUBLIC_URL,
    }
    adapter.send_mail("account/email/invitation", user.email, context)
