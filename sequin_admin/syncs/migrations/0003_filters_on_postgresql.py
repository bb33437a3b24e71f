from django.db import migrations

from sequin_admin.core.operations import index_of_pairs, statistics_of_search


class Migration(migrations.Migration):
    dependencies = [
        ("syncs", "0002_streams_and_list_indexes"),
    ]

    operations = [
        index_of_pairs("syncs_sync"),
        index_of_pairs("syncs_target"),
        index_of_pairs("syncs_consumer"),
        statistics_of_search("syncs_sync", "name"),
    ]
