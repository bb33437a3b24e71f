"""What is read of one subject whenever a result is recorded: queries that are compiled once."""

from functools import cache
from uuid import uuid4

from django.db.models import CharField, UUIDField

from sequin_admin.core.monitored import Monitored
from sequin_admin.core.prepared import PreparedQuery
from sequin_admin.credentials.models import Credential
from sequin_admin.health.models import Check, Incident, Outage

BY_ID = {"pk": (UUIDField(), uuid4())}
STATUS_COLUMNS = ("health_status", "health_note", "health_since")

CHECKS = PreparedQuery(lambda pk: Check.objects.filter(entity_id=pk), BY_ID, many=True)
OPEN_INCIDENTS = PreparedQuery(
    lambda pk: Incident.objects.open().filter(entity_id=pk), BY_ID, many=True
)
LAST_OUTAGE = PreparedQuery(
    lambda provider: Outage.objects.filter(provider=provider), {"provider": (CharField(), "any")}
)
# Locked until the transaction ends.
PROBED_CREDENTIAL = PreparedQuery(
    lambda pk: (
        Credential.objects.filter(pk=pk)
        .select_for_update(no_key=True)
        .only("secrets_changed_at", "check_due_at")
    ),
    BY_ID,
)


@cache
def locked_status(model: type[Monitored]) -> PreparedQuery[Monitored]:
    """The query for the columns of the status, locked until the transaction ends."""
    rows = model._base_manager.select_for_update(no_key=True)
    return PreparedQuery(lambda pk: rows.filter(pk=pk).only(*STATUS_COLUMNS), BY_ID)
