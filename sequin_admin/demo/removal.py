"""Removes the demo in one step: its marked rows, and what belongs to them alone.

A row of the demo that something of a person's needs stays, with its mark, and what it needs itself.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import models, transaction

from sequin_admin.access.models import ApiKey, Organization, User
from sequin_admin.audit.models import record_change
from sequin_admin.connect.models import AuthorizationRequest, ConnectLink
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.concrete import noun
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.demo.id_lists import read_ids
from sequin_admin.demo.models import (
    Demo,
    DemoRow,
    Key,
    all_marked_ids,
    entity_of,
    parse_id,
    parse_ids,
)
from sequin_admin.health import causes
from sequin_admin.health.models import Cause, Check, ExpiryNotice, Incident, Outage, Transition
from sequin_admin.notifications.models import Channel, Delivery
from sequin_admin.syncs.models import Consumer, Stream, Sync, Target

Model = type[models.Model]
Ids = set[Key]
Pairs = Sequence[tuple[Key, Key]]
# Rows of the first model need those of the last, by the foreign key or many-to-many field between.
Need = tuple[Model, str, Model]
# A row that is needed, and one that needs it: each by its model and key.
Reason = tuple[Model, Key, Model, Key]

# What has marks, in the order in which it is deleted: first what needs others.
MARKED: tuple[Model, ...] = (
    *(Consumer, Sync, ConnectLink, Credential, OAuthApp, Target, Stream),
    *(Channel, ApiKey, Outage, User),
)
NEEDS: tuple[Need, ...] = (
    (Consumer, "target", Target),
    (Consumer, "syncs", Sync),
    (Sync, "credential", Credential),
    (Sync, "stream", Stream),
    (ConnectLink, "reconnects", Credential),
    (ConnectLink, "oauth_app", OAuthApp),
    (Credential, "oauth_app", OAuthApp),
    (AuthorizationRequest, "oauth_app", OAuthApp),
    (AuthorizationRequest, "redirect_app", OAuthApp),
)
# Monitored rows, whose health has no foreign key.
HISTORY: tuple[Model, ...] = (Check, Transition, Incident)


@dataclass(frozen=True)
class KeptRow:
    """A row of the demo that stays, as `needed_by` of a person's needs it."""

    row: models.Model
    needed_by: models.Model


@dataclass
class Removal:
    """What removing the demo deletes, by model, and what it keeps."""

    removed: dict[Model, Ids] = field(default_factory=dict)
    kept: dict[Model, Ids] = field(default_factory=dict)
    # One row of the demo and one of a person's that needs it, for each that is needed directly.
    reasons: list[Reason] = field(default_factory=list)

    def words(self) -> list[str]:
        """How many rows are deleted of each model: "24 syncs"."""
        counts = {model: len(ids) for model, ids in self.removed.items() if ids}
        return [f"{count:,} {noun(model, count)}" for model, count in counts.items()]

    @property
    def kept_count(self) -> int:
        return sum(map(len, self.kept.values()))

    def examples(self, most: int) -> list[KeptRow]:
        """The rows of the first reasons, with at most two queries a model."""
        chosen, wanted = self.reasons[:most], defaultdict[Model, Ids](set)
        for model, pk, by, by_pk in chosen:
            wanted[model].add(pk)
            wanted[by].add(by_pk)
        rows = {model: load(model, ids) for model, ids in wanted.items()}
        pairs = ((rows[model].get(pk), rows[by].get(by_pk)) for model, pk, by, by_pk in chosen)
        return [KeptRow(row, needed_by) for row, needed_by in pairs if row and needed_by]


def load(model: Model, ids: Ids) -> dict[Key, models.Model]:
    rows = model._base_manager.filter(pk__in=ids)
    secret = [f.name for f in model._meta.concrete_fields if f.name == "secrets"]
    return {row.pk: row for row in rows.defer(*secret)}


def plan_removal(demo: Demo) -> Removal:
    """What removing the demo would do now."""
    marked = existing(all_marked_ids(demo, MARKED))
    found = needing_pairs(marked)
    kept, reasons = defaultdict[Model, Ids](set), list[Reason]()
    for (model, _, needed), pairs in found.items():
        for pk, needed_pk in pairs:
            if pk not in marked.get(model, ()) and needed_pk not in kept[needed]:
                kept[needed].add(needed_pk)
                reasons.append((needed, needed_pk, model, pk))
    while grown := next(grow(kept, found), None):
        kept[grown[0]] |= grown[1]
    removed = {model: ids - kept[model] for model, ids in marked.items()}
    return Removal(removed, dict(kept), reasons)


def existing(marked: Mapping[Model, Ids]) -> dict[Model, Ids]:
    """Those of the marked rows that are there. One query."""
    asked = [(model._base_manager.filter(pk__in=ids), ["pk"]) for model, ids in marked.items()]
    return {
        model: parse_ids(model, (text for [text] in texts))
        for model, texts in zip(marked, read_ids(asked), strict=True)
    }


def needing_pairs(marked: Mapping[Model, Ids]) -> dict[Need, Pairs]:
    """Of each need, ids of rows with the id of the marked row that each needs. One query."""
    asked = [(needing_rows(need, marked), ["pk", need[1]]) for need in NEEDS]
    return {
        need: [(parse_id(need[0], pk), parse_id(need[2], needed)) for pk, needed in texts]
        for need, texts in zip(NEEDS, read_ids(asked), strict=True)
    }


def needing_rows(need: Need, marked: Mapping[Model, Ids]) -> models.QuerySet[models.Model]:
    model, name, needed = need
    rows = model._base_manager.filter(**{f"{name}__in": marked[needed]})
    if model is ConnectLink:
        # Those that an incident's message came with are nobody's.
        rows = rows.exclude(created_by=None, reconnects__isnull=False)
    return rows


def grow(kept: Mapping[Model, Ids], pairs: Mapping[Need, Pairs]) -> Iterator[tuple[Model, Ids]]:
    """What kept rows need, and is not kept yet."""
    for (model, _, needed), found in pairs.items():
        more = {pk for holder, pk in found if holder in kept.get(model, ())} - kept[needed]
        if more:
            yield needed, more


@transaction.atomic
def remove(demo: Demo, *, actor: AnyActor) -> Removal:
    """Delete the demo's rows. The organization, its people's rows and the audit log stay.

    The accounts at the simulator stay as well. Audited.
    """
    organization = demo.organization
    Demo.objects.select_for_update().filter(pk=demo.pk).first()
    plan = plan_removal(demo)
    forget_history(organization, plan.removed)
    for model in MARKED:
        model._base_manager.filter(pk__in=plan.removed[model]).delete()
    forget_marks(demo, plan)
    record_change(
        organization,
        "demo.removed",
        actor,
        organization_id=organization.pk,
        removed=plan.words(),
        kept=plan.kept_count,
    )
    return plan


def forget_history(organization: Organization, removed: Mapping[Model, Ids]) -> None:
    """Delete the health of the rows, and what was sent to their customers."""
    credentials = Credential.objects.filter(pk__in=removed[Credential])
    contacts = set(credentials.exclude(contact_email="").values_list("contact_email", flat=True))
    sent = Delivery.objects.filter(organization=organization, channel=None, to__in=contacts)
    sent.delete()
    ids = [pk for some in removed.values() for pk in some if isinstance(pk, UUID)]
    for model in HISTORY:
        model._base_manager.filter(entity_id__in=ids).delete()
    Cause.objects.filter(organization=organization, incidents=None).delete()
    causes.recount()
    ExpiryNotice.objects.filter(organization=organization, subject__in=map(str, ids)).delete()


def forget_marks(demo: Demo, plan: Removal) -> None:
    """Only rows that stay keep their marks; without any, the demo is over."""
    kept = {entity_of(model): {str(pk) for pk in ids} for model, ids in plan.kept.items()}
    for mark in DemoRow.objects.filter(demo=demo):
        if mark.row_id not in kept.get(mark.entity, ()):
            mark.delete()
    if plan.kept_count:
        Demo.objects.filter(pk=demo.pk).update(done_days=demo.days)
    else:
        demo.delete()
