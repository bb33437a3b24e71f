"""What works on of people who left or have a lesser role: keys, links and channels."""

from dataclasses import dataclass

from django.db import models, transaction

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Organization, User
from sequin_admin.access.policy import Action, Role, allows
from sequin_admin.connect import links
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.notifications import channels
from sequin_admin.notifications.models import Channel

REASON = "{} made it, and could not make it now."


@dataclass(frozen=True)
class Leftovers:
    """What still works of one person who could not make it now."""

    person: User
    keys: list[ApiKey]
    # Keys of which the person only knows the former token.
    former_keys: list[ApiKey]
    links: list[ConnectLink]
    channels: list[Channel]

    def __len__(self) -> int:
        return len([*self.keys, *self.former_keys, *self.links, *self.channels])


def list_leftovers(organization: Organization) -> list[Leftovers]:
    """By person, in the order of their addresses."""
    now = clock.now()
    not_theirs = made_without_right(organization, Action.CONFIGURE)
    usable = ApiKey.objects.of(organization).usable(now)
    keys_left = usable.filter(not_theirs)
    formers_left = usable.filter(
        made_without_right(organization, Action.CONFIGURE, by="former_by"), former_until__gt=now
    )
    links_left = ConnectLink.objects.of(organization).open(now).defer("secrets")
    links_left = links_left.filter(made_without_right(organization, Action.EDIT))
    channels_left = Channel.objects.of(organization).enabled().filter(not_theirs)
    found_keys = list(keys_left.select_related("created_by").order_by("name", "pk"))
    found_formers = list(formers_left.select_related("former_by").order_by("name", "pk"))
    found_links = list(
        links_left.select_related("created_by", "reconnects").order_by("created_at", "pk")
    )
    found_channels = list(
        channels_left.defer("secrets").select_related("created_by").order_by("name", "pk")
    )
    return [
        Leftovers(
            person,
            [key for key in found_keys if key.created_by == person],
            [
                key
                for key in found_formers
                if key.former_by == person and key.created_by_id != person.pk
            ],
            [link for link in found_links if link.created_by == person],
            [channel for channel in found_channels if channel.created_by == person],
        )
        for person in in_order(
            *(key.created_by for key in found_keys),
            *(link.created_by for link in found_links),
            *(channel.created_by for channel in found_channels),
            *(key.former_by for key in found_formers),
        )
    ]


def made_without_right(
    organization: Organization, action: Action, *, by: str = "created_by"
) -> models.Q:
    """Rows whose `by` is a person who may not do `action` in the organization now."""
    roles = [role for role in Role if allows(role, action)]
    makers = organization.memberships.filter(role__in=roles).values("user")
    return models.Q((f"{by}__isnull", False)) & ~models.Q((f"{by}__in", makers))


def in_order(*people: User | None) -> list[User]:
    """Each person once, by address."""
    return sorted({person for person in people if person}, key=lambda person: person.email)


@transaction.atomic
def revoke_leftovers(organization: Organization, person_id: int, *, actor: AnyActor) -> int:
    """Revoke keys, former tokens and links and disable channels of one person, all or none.

    Returns how many.
    """
    found = [left for left in list_leftovers(organization) if left.person.pk == person_id]
    for left in found:
        for key in left.keys:
            keys.revoke(key, actor=actor)
        for key in left.former_keys:
            keys.end_former_token(key, actor=actor)
        for link in left.links:
            links.revoke(link, actor=actor)
        for channel in left.channels:
            channels.disable(channel, actor=actor, reason=REASON.format(left.person))
    return sum(map(len, found))
