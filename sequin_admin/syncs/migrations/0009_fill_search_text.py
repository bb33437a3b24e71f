"""Fills the texts, and makes their index while others write."""

from typing import Any

from django.db import migrations

from sequin_admin.access.models.search_texts import fill_search_texts
from sequin_admin.core.operations import create_search_statistics, create_trigram_index
from sequin_admin.syncs.models import Sync


def fill(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("syncs", "Sync")._base_manager.all()
    fill_search_texts(Sync, rows, apps.get_model("syncs", "SyncText"))


statistics = create_search_statistics("syncs_sync", "name")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("credentials", "0006_fill_search_text"),
        ("syncs", "0008_search_text"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        *create_trigram_index("syncs_synctext", "text"),
        # The columns that were searched before.
        type(statistics)(statistics.reverse_sql, statistics.sql),
    ]
