"""Fills the texts, and makes their index while others write."""

from typing import Any

from django.db import migrations

from sequin_admin.access.models.search_texts import fill_search_texts
from sequin_admin.core.operations import create_trigram_index
from sequin_admin.connect.models import ConnectLink


def fill(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("connect", "ConnectLink")._base_manager.all()
    fill_search_texts(ConnectLink, rows, apps.get_model("connect", "ConnectLinkText"))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("connect", "0009_search_text")]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        *create_trigram_index("connect_connectlinktext", "text"),
    ]
