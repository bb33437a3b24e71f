"""Fills the texts a batch at a time, each in a transaction of its own: nobody waits for more, and
a fill that was broken off goes on when it is run again."""

from typing import Any

from django.db import migrations, transaction

from sequin_admin.core.chunks import CHUNK_SIZE
from sequin_admin.core.operations import create_search_statistics, create_trigram_index
from sequin_admin.credentials.search_text import write_search_texts


def fill_search_texts(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("credentials", "Credential").objects.filter(search=None).order_by("pk")
    table = apps.get_model("credentials", "SearchText")
    pks = list(rows.values_list("pk", flat=True)[:CHUNK_SIZE])
    while pks:
        with transaction.atomic():
            write_search_texts(rows.model._base_manager.filter(pk__in=pks), table)
        left = rows.filter(pk__gt=pks[-1])
        pks = list(left.values_list("pk", flat=True)[:CHUNK_SIZE])


statistics = create_search_statistics("credentials_credential", "name", "identity")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("credentials", "0005_search_text")]

    operations = [
        migrations.RunPython(fill_search_texts, migrations.RunPython.noop),
        *create_trigram_index("credentials_searchtext", "text"),
        # The columns that were searched before.
        type(statistics)(statistics.reverse_sql, statistics.sql),
    ]
