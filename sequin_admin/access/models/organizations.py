"""Organizations, their logos, and the rows that belong to them."""

import uuid
from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import ClassVar, Self, TypeVar

from django.db import models

from sequin_admin.access.models.users import User
from sequin_admin.core import clock
from sequin_admin.core.names import NameColumn
from sequin_admin.core.search_language import (
    Filter,
    InvalidFilter,
    Term,
    all_of,
    by_id,
    pairs_of,
    parse_search,
)


class Organization(models.Model):
    """The owner of every other row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = NameColumn(max_length=100)
    slug = models.SlugField(unique=True)
    users = models.ManyToManyField(User, through="Membership", related_name="organizations")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    # When it will be erased, of one that an owner ends: until then nothing is done for it.
    ends_at = models.DateTimeField(null=True, editable=False)

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
    """Rows that can be searched by a part of their name (or of other columns in `found_by`), and by
    filters of the language of `core/search_language.py`."""

    found_by: ClassVar[tuple[str, ...]] = ("name",)
    search_filters: ClassVar[Mapping[str, Filter]] = {"id": by_id}

    def matching(self, text: str) -> Self:
        """The rows that a search finds; none when one of its filters is not valid."""
        try:
            return self.searched(text)
        except InvalidFilter:
            return self.none()

    def searched(self, text: str) -> Self:
        """The rows that hold each word and pass each filter. Raises `InvalidFilter`."""
        terms = parse_search(text)
        return self.filter(all_of([self.condition_of(term) for term in terms])) if terms else self

    def condition_of(self, term: Term) -> models.Q:
        """Raises `InvalidFilter`."""
        if not term.key:
            return self.containing(term.value)
        known = self.search_filters.get(term.key.casefold())
        if known:
            return known(term)
        return self.keyed(term)

    def containing(self, text: str) -> models.Q:
        """One of `found_by` contains `text`, whatever the case."""
        columns = (models.Q((f"{column}__icontains", text)) for column in self.found_by)
        return reduce(or_, columns)

    def keyed(self, term: Term) -> models.Q:
        """The metadata has this key with this value; or the text has it, as in a name with a
        colon."""
        names = {field.name for field in self.model._meta.get_fields()}
        found = self.containing(term.written)
        return found | pairs_of(term) if "metadata" in names else found
