"""Access that is given back at the providers when its organization ends."""

from django.db import models

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.core.leases import Leased
from sequin_admin.credentials.models import Credential

CODE_CHARS = 60


class AccessReturn(Leased):
    """A credential whose access is to be revoked at `due_at`; None once that is decided.

    `code` says why the latest of the `tries` failed; empty, and it was given back.
    """

    credential = models.OneToOneField(
        Credential, models.CASCADE, primary_key=True, related_name="access_return"
    )
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="access_returns")
    due_at = models.DateTimeField(default=clock.now, null=True, db_index=True, editable=False)
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    code = models.CharField(max_length=CODE_CHARS, default="", editable=False)

    def __str__(self) -> str:
        return f"Return of {self.credential_id}"
