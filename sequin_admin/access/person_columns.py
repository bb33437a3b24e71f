"""What of each table is a person's own, to be told to them: no secret, nor what opens something."""

from collections.abc import Callable

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.db import models

from sequin_admin.access.models import (
    ApiKey,
    CalendarFeed,
    HiddenColumns,
    Invitation,
    ListExport,
    Membership,
    SavedView,
    StaffAccess,
    User,
)
from sequin_admin.audit.models import Event

ACCOUNT = (
    *("email", "username", "first_name", "last_name", "date_joined", "last_login", "is_active"),
    *("is_staff", "is_superuser", "time_zone", "single_keys"),
)
EVENT = (
    *("at", "organization_id", "action", "actor", "target", "target_type", "details"),
    *("address", "user_agent"),
)


def events_of(user: User) -> models.QuerySet[Event]:
    """Those of the person, and about the account."""
    key = str(user.pk)
    own = models.Q(actor_type="user", actor_id=key) | models.Q(target_type="user", target_id=key)
    return Event.objects.filter(own).order_by("-pk")


Rows = Callable[[User], models.QuerySet[models.Model]]
# By title: the rows, and what of them is the person's. No secret, nor what opens something.
STORED: dict[str, tuple[Rows, tuple[str, ...]]] = {
    "addresses": (
        lambda user: EmailAddress.objects.filter(user=user),
        ("email", "verified", "primary"),
    ),
    "memberships": (
        lambda user: Membership.objects.filter(user=user),
        ("organization__name", "role", "created_at"),
    ),
    "saved_views": (
        lambda user: SavedView.objects.filter(membership__user=user),
        ("listed", "name", "query", "created_at"),
    ),
    "hidden_columns": (
        lambda user: HiddenColumns.objects.filter(membership__user=user),
        ("listed", "columns"),
    ),
    "calendar_feeds": (
        lambda user: CalendarFeed.objects.filter(membership__user=user),
        ("membership__organization__name", "made_at", "last_used_at"),
    ),
    "second_factors": (
        lambda user: Authenticator.objects.filter(user=user),
        ("type", "created_at", "last_used_at"),
    ),
    "sign_ons": (
        lambda user: SocialAccount.objects.filter(user=user),
        ("provider", "uid", "extra_data", "date_joined", "last_login"),
    ),
    "list_exports": (
        lambda user: ListExport.objects.filter(created_by=user),
        ("organization__name", "listed", "query", "count", "created_at", "finished_at"),
    ),
    "sessions": (
        lambda user: UserSession.objects.filter(user=user),
        ("ip", "user_agent", "created_at", "last_seen_at"),
    ),
    "invitations": (
        lambda user: Invitation.objects.filter(email__iexact=user.email),
        ("organization__name", "role", "created_at", "accepted_at", "withdrawn_at"),
    ),
    "sent_invitations": (
        lambda user: Invitation.objects.filter(invited_by=user),
        ("organization__name", "email", "role", "created_at"),
    ),
    "api_keys": (
        lambda user: ApiKey.objects.filter(created_by=user),
        ("organization__name", "name", "created_at", "last_used_at", "revoked_at"),
    ),
    "staff_accesses": (
        lambda user: StaffAccess.objects.filter(user=user),
        ("organization__name", "reason", "opened_at", "expires_at", "ended_at"),
    ),
    "events": (events_of, EVENT),
}
