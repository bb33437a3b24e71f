"""Users: the accounts of persons."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models, transaction

from sequin_admin.access.models.tokens import digest
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
    # Whether single keys act in the dashboard (WCAG 2.1.4).
    single_keys = models.BooleanField(default=True, editable=False)
    # Name of the IANA time zone in which pages show exact times; empty for UTC.
    time_zone = models.CharField(max_length=60, default="", editable=False)

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
        """Django's hash of the password, for each `session_version`.

        Not under `SECRET_KEY`: where a session is stored, encrypted, the password's hash is, too.
        After a change of that key Django would give every session a new id, and requests under way
        with the old one would sign the person out.
        """
        of_password: str = super()._get_session_auth_hash(self._meta.label)  # type: ignore[misc]
        if not self.session_version:
            return of_password
        return digest(f"{of_password}:{self.session_version}")

    def audit_details(self, organization_id: uuid.UUID) -> dict[str, Any]:
        """Details of every event of staff in an organization that they are not a member of."""
        if not self.is_staff and not self.is_superuser:
            return {}
        accesses = self.staff_accesses.open(clock.now()).filter(organization_id=organization_id)
        own = User.objects.filter(pk=self.pk).values(
            is_member=models.Exists(self.memberships.filter(organization_id=organization_id)),
            access=models.Subquery(accesses.order_by("pk").values("pk")[:1]),
        )
        found = own.first() or {"is_member": False, "access": None}
        if found["is_member"]:
            return {}
        access = found["access"]
        return {"staff": True, **({"staff_access": str(access)} if access else {})}
