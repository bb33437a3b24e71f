"""Keeps entered secrets that were replaced for a while, so that a wrong paste is undone.

Tokens that a provider renews are not kept: an old one is spent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from django.apps import apps
from django.db import models

from sequin_admin.access import configuration
from sequin_admin.access.models import FormerSecrets
from sequin_admin.audit.models import name_actor
from sequin_admin.core import clock, pruning
from sequin_admin.core.actors import Actor, AnyActor

Row = TypeVar("Row", bound=FormerSecrets)


class NotPutBack(Exception):
    """The former secrets are gone, or don't fit any more. `str()` is a sentence."""


class Owner(Protocol):
    """A row that has entered secrets."""

    @property
    def pk(self) -> UUID: ...

    @property
    def organization_id(self) -> UUID: ...


@dataclass(frozen=True)
class Replaced:
    """Secrets of an `owner` that were replaced, and where they were sent."""

    owner: Owner
    secrets: Mapping[str, str]
    destination: str = ""


def keep(model: type[FormerSecrets], replaced: Iterable[Replaced], actor: AnyActor) -> None:
    """Keep what was replaced, in the transaction that does so, and forget the oldest above the
    number that is kept of each owner."""
    most = configuration.KEPT.most
    given = [each for each in replaced if each.secrets]
    if not most or not given:
        return
    named = name_actor(Actor.of(actor))
    model._base_manager.bulk_create(
        model(
            **{"owner_id": each.owner.pk},
            organization_id=each.owner.organization_id,
            destination=each.destination,
            secrets=dict(each.secrets),
            names=sorted(each.secrets),
            replaced_by=named["actor"],
            replaced_by_id=named["actor_id"],
        )
        for each in given
    )
    for each in given:
        forget_oldest(model, each.owner)


def forget_oldest(model: type[FormerSecrets], owner: Owner) -> None:
    rows = model._base_manager.filter(**{"owner": owner.pk}).order_by("-replaced_at", "-pk")
    kept = list(rows.values_list("pk", flat=True)[: configuration.KEPT.most])
    rows.exclude(pk__in=kept).order_by().delete()


def list_former(model: type[Row], owner: Owner) -> models.QuerySet[Row]:
    """The newest first, without the values."""
    rows = model._base_manager.filter(
        **{"owner": owner.pk}, replaced_at__gt=configuration.KEPT.since()
    )
    return rows.defer("secrets").order_by("-replaced_at", "-pk")[: configuration.KEPT.most]


def take(model: type[Row], owner: Owner, pk: UUID, *, destination: str = "") -> Row:
    """The former secrets, locked. Raises `NotPutBack`."""
    rows = model._base_manager.select_for_update().filter(**{"owner": owner.pk}, pk=pk)
    row = rows.filter(replaced_at__gt=configuration.KEPT.since()).first()
    if row is None or not configuration.KEPT.most:
        raise NotPutBack(
            "These former secrets are not kept any more, or were put back meanwhile. Nothing was "
            "changed. Enter the secret instead."
        )
    if row.destination != destination:
        raise NotPutBack(
            "These former secrets were for another host than now, so they are not sent to this "
            "one. Nothing was changed. Enter the secret instead."
        )
    return row


def prune() -> int:
    """Delete what is too old; a job of the worker. All of it while nothing is to be kept."""
    before = configuration.KEPT.since() if configuration.KEPT.most else clock.now()
    models_of = [m for m in apps.get_models() if issubclass(m, FormerSecrets)]
    rows = (model._base_manager.filter(replaced_at__lte=before) for model in models_of)
    return sum(pruning.prune(each, by="replaced_at") for each in rows)
