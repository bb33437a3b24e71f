"""Confirmed email addresses. An address identifies a person only once its mailbox is proven."""

from allauth.account.models import EmailAddress
from django.db import models

from sequin_admin.access.account_log import record_account_change
from sequin_admin.access.models import User
from sequin_admin.core.actors import AnyActor


def confirm_address(user: User) -> None:
    """Record the account's address as confirmed, for callers that have proof of the mailbox."""
    EmailAddress.objects.update_or_create(
        user=user, email=user.email.lower(), defaults={"verified": True, "primary": True}
    )


def has_confirmed(user: User, email: str) -> bool:
    """Whether `email` is a confirmed address of this active account."""
    rows = EmailAddress.objects.filter(user=user, user__is_active=True, verified=True)
    return bool(rows.filter(email=email.lower()).exists())


def account_of(email: str) -> User | None:
    """The account that logs in with this address, confirmed or not."""
    named = models.Q(email__iexact=email) | models.Q(username__iexact=email)
    confirmed = models.Q(emailaddress__email=email.lower(), emailaddress__verified=True)
    return User.objects.filter(named | confirmed).first()


def is_taken(email: str, user: User) -> bool:
    """Whether another account has this address."""
    other = account_of(email)
    return other is not None and other != user


def record_address_change(user: User, before: str, actor: AnyActor) -> None:
    record_account_change(user, "user.address_changed", actor, before=before, after=user.email)
