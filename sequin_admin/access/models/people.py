"""Users, organizations, their logos, memberships, invitations, access of staff."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Self, TypeVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models, transaction

from sequin_admin.access.models.tokens import digest
from sequin_admin.access.policy import Role
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock


class AccountManager(UserManager["User"]):
    """Makes the accounts of the command line, audited."""

    @transaction.atomic
    def create_superuser(self, *args: Any, **kwargs: Any) -> "User":
        """Used by `manage.py createsuperuser`; audited.

        A superuser is made by whoever runs the server, so its address counts as confirmed.
        """
        from sequin_admin.access import addresses

        user = super().create_superuser(*args, **kwargs)
        addresses.confirm_address(user)
        record_change(user, "user.superuser_created", None)
        return user


class User(AbstractUser):
    """A person, who logs in with the e-mail address. `is_staff` gives access to the staff admin.

    `session_version` is a part of what a login session is checked with. It goes up when the
    account is deactivated, so that no session from before comes back with the account.
    """

    email = models.EmailField("email address", unique=True)
    session_version = models.PositiveIntegerField(default=0, editable=False)

    objects: ClassVar[AccountManager] = AccountManager()

    def __str__(self) -> str:
        return self.email or self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.is_active:
            self.session_version += 1
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "session_version"}
        super().save(*args, **kwargs)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django's hash of the password, for each `session_version`."""
        of_password: str = super()._get_session_auth_hash(secret)  # type: ignore[misc]
        if not self.session_version:
            return of_password
        return digest(f"{of_password}:{self.session_version}")

    def audit_details(self, organization_id: uuid.UUID) -> dict[str, Any]:
        """Details of every event of staff in an organization that they are not a member of."""
        if not self.is_staff and not self.is_superuser:
            return {}
        if self.memberships.filter(organization_id=organization_id).exists():
            return {}
        accesses = StaffAccess.objects.open(clock.now()).by(self)
        access = accesses.filter(organization_id=organization_id).first()
        return {"staff": True, **({"staff_access": str(access.pk)} if access else {})}


class Organization(models.Model):
    """The owner of every other row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    slug = models.SlugField(unique=True)
    users = models.ManyToManyField(User, through="Membership", related_name="organizations")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.name

    @property
    def organization_id(self) -> uuid.UUID:
        """Its own: what is done to an organization stands in its own audit log."""
        return self.pk


class Logo(models.Model):
    """An organization's logo. In the database, because web processes have no shared files; in its
    own table, so that loading an organization does not load the picture."""

    organization = models.OneToOneField(
        Organization, models.CASCADE, primary_key=True, related_name="logo"
    )
    png = models.BinaryField()
    changed_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"logo of {self.organization_id}"


Owned = TypeVar("Owned", bound=models.Model)


class OwnedQuerySet(models.QuerySet[Owned]):
    """Rows that belong to an organization. Every query of a page or the API starts with `of()`."""

    def of(self, organization: Organization) -> Self:
        return self.filter(organization=organization)


class Findable(OwnedQuerySet[Owned]):
    """Rows that can be searched by a part of their name (or of other columns in `found_by`)."""

    found_by: ClassVar[tuple[str, ...]] = ("name",)

    def matching(self, text: str) -> Self:
        """One of `found_by` contains `text`, whatever the case."""
        return self.filter(
            models.Q(
                *((f"{column}__icontains", text) for column in self.found_by),
                _connector=models.Q.OR,
            )
        )


class StaffAccessQuerySet(OwnedQuerySet["StaffAccess"]):
    """Accesses of staff that are open, or of one person."""

    def open(self, at: datetime) -> Self:
        """Neither ended nor expired, of a person who is staff still."""
        return self.filter(
            ended_at=None, expires_at__gt=at, user__is_active=True, user__is_staff=True
        )

    def by(self, user: User) -> Self:
        return self.filter(user=user)


class StaffAccess(models.Model):
    """Access of a staff person to one organization for some hours ("break-glass").

    It gives the pages what a viewer sees or, with `may_edit`, what a member may do: never secrets,
    members or API keys. See `access.staff_access`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="staff_accesses")
    user = models.ForeignKey(User, models.CASCADE, related_name="staff_accesses")
    reason = models.CharField(max_length=500)
    may_edit = models.BooleanField(default=False)
    opened_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, editable=False)

    objects = StaffAccessQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "staff accesses"
        indexes = (models.Index(fields=("organization", "-opened_at"), name="staff_access_of"),)

    def __str__(self) -> str:
        return f"Staff access of {self.user} to {self.organization}"

    @property
    def role(self) -> Role:
        return Role.MEMBER if self.may_edit else Role.VIEWER

    @property
    def is_open(self) -> bool:
        return self.ended_at is None and self.expires_at > clock.now()


class Membership(models.Model):
    """A user's role in an organization.

    `staff_access` is set on the unsaved membership that stands for an open `StaffAccess`.
    """

    staff_access: StaffAccess | None = None

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = OwnedQuerySet["Membership"].as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "user"), name="membership_once"),
        )

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"


class InvitationState(models.TextChoices):
    """State of an open invitation at some time."""

    PENDING = "pending", "Pending"
    EXPIRED = "expired", "Expired"

    @property
    def tone(self) -> str:
        return "warn" if self == InvitationState.EXPIRED else "idle"

    @property
    def icon(self) -> str:
        return "clock" if self == InvitationState.EXPIRED else "envelope"


class InvitationQuerySet(OwnedQuerySet["Invitation"]):
    """Invitations by whether they can be accepted."""

    def open(self) -> Self:
        """Neither accepted nor withdrawn; the token may have expired."""
        return self.filter(accepted_at=None, withdrawn_at=None)

    def acceptable(self, at: datetime) -> Self:
        return self.open().filter(expires_at__gt=at)


class Invitation(models.Model):
    """An invitation of an address to become a member. See `access.invitations`.

    The token is mailed; its hash is stored. Without `invited_by` it was made on the command line.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(
        User, models.CASCADE, null=True, related_name="sent_invitations", editable=False
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    sent_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "email"),
                condition=models.Q(accepted_at=None, withdrawn_at=None),
                name="invitation_once",
            ),
        )

    def __str__(self) -> str:
        return self.email

    @property
    def state(self) -> InvitationState:
        """Of an open invitation."""
        expired = self.expires_at <= clock.now()
        return InvitationState.EXPIRED if expired else InvitationState.PENDING
