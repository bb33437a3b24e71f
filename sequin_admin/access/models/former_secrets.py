"""The base of tables of secrets that were replaced, kept for a while to be put back."""

import uuid
from typing import ClassVar

from django.db import models

from sequin_admin.access.models.organizations import Organization
from sequin_admin.core import clock
from sequin_admin.core.fields import EncryptedJSONField


class FormerSecrets(models.Model):
    """Secrets that a person or program entered and that others have replaced. Never shown.

    A derived model has the foreign key `owner`. `destination` is where they were sent: they are
    encrypted for it, and put back only while the owner still sends them there.
    """

    names_persons: ClassVar[tuple[str, ...]] = ("replaced_by",)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    destination = models.TextField(default="", editable=False)
    secrets = EncryptedJSONField(
        scope="former_secrets", bind=("organization_id", "id", "owner_id", "destination")
    )
    names = models.JSONField(default=list, editable=False)
    replaced_at = models.DateTimeField(default=clock.now, db_index=True, editable=False)
    # Whoever replaced them, as the audit log names them.
    replaced_by = models.CharField(max_length=200, editable=False)
    replaced_by_id = models.CharField(max_length=40, default="", editable=False)

    class Meta:
        abstract = True
        ordering = ("-replaced_at",)

    def __str__(self) -> str:
        return f"{', '.join(self.names)} until {self.replaced_at:%Y-%m-%d %H:%M}"
