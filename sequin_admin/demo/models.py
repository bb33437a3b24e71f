"""Which rows are the demo's, how far its history is, and who is done with its tour."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from django.db import models

from sequin_admin.access.models import Organization, User
from sequin_admin.core import clock
from sequin_admin.core.concrete import concrete_model

Key = UUID | int
Row = TypeVar("Row", bound=models.Model)


class Demo(models.Model):
    """The demo of an organization, until it is removed.

    `days` is how long its history is, `done_days` how much of that is written, the oldest first.
    `metered` is the credential of which the demo's worker takes permits.
    """

    organization = models.OneToOneField(
        Organization, models.CASCADE, primary_key=True, related_name="demo"
    )
    began_at = models.DateTimeField(default=clock.now, editable=False)
    ready_at = models.DateTimeField(null=True, editable=False)
    days = models.PositiveSmallIntegerField(editable=False)
    done_days = models.PositiveSmallIntegerField(default=0, editable=False)
    metered = models.UUIDField(null=True, editable=False)

    def __str__(self) -> str:
        return f"Demo of {self.organization}"

    @property
    def has_all_history(self) -> bool:
        return self.done_days >= self.days


class DemoRow(models.Model):
    """The mark of one row of the demo. What belongs to such a row alone has no mark of its own."""

    demo = models.ForeignKey(Demo, models.CASCADE, related_name="rows")
    entity = models.CharField(max_length=60)
    row_id = models.CharField(max_length=40)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("demo", "entity", "row_id"), name="demo_row_once"),
        )

    def __str__(self) -> str:
        return f"{self.entity} {self.row_id}"


class TourVisit(models.Model):
    """What a person has done of the tour that no other row tells."""

    demo = models.ForeignKey(Demo, models.CASCADE, related_name="visits")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    looked_at = models.DateTimeField(null=True, editable=False)
    dismissed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("demo", "user"), name="tour_visit_once"),)

    def __str__(self) -> str:
        return f"Tour of {self.user}"


def entity_of(model: type[models.Model] | models.Model) -> str:
    """`credentials.credential`, of a proxy too."""
    return str(concrete_model(model)._meta.label_lower)


def mark(demo: Demo, *rows: models.Model) -> None:
    DemoRow.objects.bulk_create(
        [DemoRow(demo=demo, entity=entity_of(row), row_id=str(row.pk)) for row in rows],
        ignore_conflicts=True,
    )


def marked_ids(demo: Demo, model: type[models.Model]) -> set[Key]:
    """The primary keys of the demo's rows of a model."""
    marks = DemoRow.objects.filter(demo=demo, entity=entity_of(model))
    return parse_ids(model, marks.values_list("row_id", flat=True))


def marked_rows(demo: Demo, model: type[Row]) -> models.QuerySet[Row]:
    """The demo's rows of a model."""
    return model._base_manager.filter(pk__in=marked_ids(demo, model))


def all_marked_ids(
    demo: Demo, listed: Iterable[type[models.Model]]
) -> dict[type[models.Model], set[Key]]:
    """As `marked_ids()` of many models, by one query."""
    marks = DemoRow.objects.filter(demo=demo).values_list("entity", "row_id")
    by_entity = defaultdict[str, list[str]](list)
    for entity, row_id in marks:
        by_entity[entity].append(row_id)
    return {model: parse_ids(model, by_entity[entity_of(model)]) for model in listed}


def parse_ids(model: type[models.Model], texts: Iterable[str]) -> set[Key]:
    return {parse_id(model, text) for text in texts}


def parse_id(model: type[models.Model], text: str) -> Key:
    key: Key = model._meta.pk.to_python(text)
    return key
