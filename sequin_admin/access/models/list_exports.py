"""Large lists as CSV files, which the worker makes and only whoever asked for one gets."""

import uuid
from datetime import datetime, timedelta

from django.db import models

from sequin_admin.access.models.organizations import Organization, OwnedQuerySet
from sequin_admin.access.models.users import User
from sequin_admin.core import clock
from sequin_admin.core.fields import EncryptedJSONField
from sequin_admin.core.leases import Leased

# How long a file is kept.
KEPT = timedelta(days=1)


class ListExport(Leased):
    """A list that somebody wants as CSV. `listed` is the URL name of its page, `query` its filters
    and order, `zone` the time zone of its days, `count` how many rows were found when it was asked
    for. The file is made anew when a worker ends halfway; `failure` says why there is none.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    created_by = models.ForeignKey(User, models.CASCADE, related_name="list_exports")
    listed = models.CharField(max_length=40, editable=False)
    query = models.TextField(blank=True, default="", editable=False)
    zone = models.CharField(max_length=64, editable=False)
    count = models.PositiveIntegerField(editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    failure = models.CharField(max_length=500, blank=True, default="", editable=False)

    objects = OwnedQuerySet["ListExport"].as_manager()

    class Meta:
        indexes = (models.Index(fields=("created_at",), name="list_export_age"),)

    def __str__(self) -> str:
        return f"{self.listed.replace('_', '-')}.csv"

    @property
    def is_ready(self) -> bool:
        return self.finished_at is not None and not self.failure

    @property
    def ends_at(self) -> datetime:
        return self.created_at + KEPT


class ExportPart(models.Model):
    """Some lines of the file, in the order of `number`. They name customers, so they are encrypted
    as secrets are."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    export = models.ForeignKey(ListExport, models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    secrets = EncryptedJSONField(
        scope="export_part", bind=("organization_id", "export_id", "number")
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("export", "number"), name="export_part_once"),
        )

    def __str__(self) -> str:
        return f"part {self.number} of {self.export}"
