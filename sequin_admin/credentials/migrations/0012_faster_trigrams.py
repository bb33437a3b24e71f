"""A word that many rows hold is looked for in half the time on PostgreSQL."""

from django.db import migrations

from sequin_admin.core.operations import speed_up_trigram_function


class Migration(migrations.Migration):
    dependencies = [
        ("credentials", "0011_list_orders"),
    ]

    operations = [
        speed_up_trigram_function(),
    ]
