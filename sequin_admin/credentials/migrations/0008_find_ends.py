"""The ends of what is stored are found by the next check, which the worker makes at once."""

from typing import Any

from django.db import migrations
from django.db.models import Q

from sequin_admin.core import clock

KINDS = ("netsuite_oauth2", "quickbooks_oauth2", "servicenow_oauth2")


def check_at_once(apps: Any, schema_editor: Any) -> None:
    now = clock.now()
    rows = apps.get_model("credentials", "Credential").objects.filter(kind__in=KINDS)
    rows.filter(Q(disabled_at=None), Q(check_due_at__gt=now)).update(check_due_at=now)


class Migration(migrations.Migration):
    dependencies = [("credentials", "0007_ends")]

    operations = [migrations.RunPython(check_at_once, migrations.RunPython.noop)]
