"""Lists the events that are there as unsealed, in batches, then makes the triggers, which list those
to come. The last step lists with the table locked what others have written meanwhile."""

from typing import Any

from django.db import connection, migrations, transaction
from django.db.models import Max

from sequin_admin.audit import triggers

BATCH = 20_000
# Ids that a transaction under way may have drawn before the first batch.
SLACK = 100_000


def list_events(first: int, last: int | None = None) -> None:
    until = "" if last is None else f"AND id <= {last:d}"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_unsealedevent (event_id, written_at) "  # noqa: S608 - numbers
            f"SELECT id, CURRENT_TIMESTAMP FROM audit_event WHERE id >= {first:d} {until} "
            "AND NOT EXISTS (SELECT 1 FROM audit_unsealedevent WHERE event_id = audit_event.id)"
        )


def list_and_guard(apps: Any, schema_editor: Any) -> None:
    newest = apps.get_model("audit", "Event").objects.aggregate(newest=Max("id"))["newest"] or 0
    for first in range(1, newest + 1, BATCH):
        list_events(first, min(first + BATCH - 1, newest))
    with transaction.atomic():
        triggers.install(connection)
        list_events(newest - SLACK)


def unguard(apps: Any, schema_editor: Any) -> None:
    triggers.remove(connection)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("audit", "0003_seals")]

    operations = [migrations.RunPython(list_and_guard, unguard)]
