from django.db import migrations

from sequin_admin.core.operations import index_of_pairs


class Migration(migrations.Migration):
    dependencies = [
        ("connect", "0004_pace"),
    ]

    operations = [
        index_of_pairs("connect_connectlink"),
    ]
