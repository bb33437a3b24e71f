"""What syncs are found by."""

from django.db import models

from sequin_admin.access.models import RowText
from sequin_admin.syncs.models.pipeline import Sync


class SyncText(RowText):
    """The words of one sync."""

    sync = models.OneToOneField(Sync, models.CASCADE, primary_key=True, related_name="search")
