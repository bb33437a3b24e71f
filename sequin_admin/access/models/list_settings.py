"""How a member wants to see a list: saved views, and columns that are not shown.

They belong to the membership and end with it: who comes back starts anew.
"""

import uuid

from django.db import models

from sequin_admin.access.models.memberships import Membership
from sequin_admin.core import clock
from sequin_admin.core.names import NameColumn


class SavedView(models.Model):
    """A name for the query string of a list. `listed` is the URL name of its page."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    membership = models.ForeignKey(Membership, models.CASCADE, related_name="saved_views")
    listed = models.CharField(max_length=40)
    name = NameColumn(max_length=40)
    query = models.CharField(max_length=2000)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("membership", "listed", "name"), name="saved_view_once"
            ),
        )

    def __str__(self) -> str:
        return self.name


class HiddenColumns(models.Model):
    """The columns of a list that a member does not want to see. A column that is new is shown."""

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="hidden_columns")
    listed = models.CharField(max_length=40)
    columns = models.JSONField(default=list)

    class Meta:
        verbose_name_plural = "hidden columns"
        constraints = (
            models.UniqueConstraint(fields=("membership", "listed"), name="hidden_columns_once"),
        )

    def __str__(self) -> str:
        return f"{self.listed} of {self.membership_id}"
