from django.db import migrations

from sequin_admin.core.operations import index_of_pairs


class Migration(migrations.Migration):
    dependencies = [
        ("syncs", "0002_streams_and_list_indexes"),
    ]

    operations = [
        index_of_pairs("syncs_sync"),
        index_of_pairs("syncs_target"),
        index_of_pairs("syncs_consumer"),
    ]
