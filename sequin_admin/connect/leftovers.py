"""Keys and links of people who left or have a lesser role now: they work until they are revoked."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import models, transaction

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Organization, User
from sequin_admin.access.policy import Action, Role, allows
from sequin_admin.connect import links
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock


@dataclass(frozen=True)
class Leftovers:
    """What still works of one person who could not make it now."""

    person: User
    keys: list[ApiKey]
    links: list[ConnectLink]


def list_leftovers(organization: Organization) -> list[Leftovers]:
    """By person, in the order of their addresses."""
    now = clock.now()
    left_keys = ApiKey.objects.of(organization).usable(now)
    left_keys = left_keys.filter(made_without_right(organization, Action.CONFIGURE))
    left_links = ConnectLink.objects.of(organization).open(now)
    left_links = left_links.filter(made_without_right(organization, Action.EDIT))
    found_keys = list(left_keys.select_related("created_by").order_by("name", "pk"))
    shown = left_links.select_related("created_by", "reconnects").defer("secrets")
    found_links = list(shown.order_by("created_at", "pk"))
    return [
        Leftovers(
            person,
            [key for key in found_keys if key.created_by == person],
            [link for link in found_links if link.created_by == person],
        )
        for person in people(found_keys, found_links)
    ]


def made_without_right(organization: Organization, action: Action) -> models.Q:
    """Rows made by a person who may not do `action` in the organization now."""
    roles = [role for role in Role if allows(role, action)]
    makers = organization.memberships.filter(role__in=roles).values("user")
    return models.Q(created_by__isnull=False) & ~models.Q(created_by__in=makers)


def people(found_keys: list[ApiKey], found_links: list[ConnectLink]) -> Iterator[User]:
    of_keys = (key.created_by for key in found_keys)
    makers = {person for person in (*of_keys, *(x.created_by for x in found_links)) if person}
    yield from sorted(makers, key=lambda person: person.email)


@transaction.atomic
def revoke_leftovers(
    organization: Organization, person_id: int, *, actor: models.Model | None
) -> int:
    """Revoke what is listed of one person, all or none. Returns how many keys and links."""
    found = [left for left in list_leftovers(organization) if left.person.pk == person_id]
    for left in found:
        for key in left.keys:
            keys.revoke(key, actor=actor)
        for link in left.links:
            links.revoke(link, actor=actor)
    return sum(len(left.keys) + len(left.links) for left in found)
