"""Organizations, their logos, and the rows that belong to them."""

import uuid
from typing import ClassVar, Self, TypeVar

from django.db import models

from sequin_admin.access.models.users import User
from sequin_admin.core import clock


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
