from django.db import migrations
from django.db.models import OuterRef, Subquery


def fill_queues(apps, schema_editor):
    credentials = apps.get_model("credentials", "Credential").objects.filter(pk=OuterRef("pk"))
    rows = apps.get_model("tokens", "Token").objects.all()
    rows.update(queue=Subquery(credentials.values("queue")))


class Migration(migrations.Migration):
    dependencies = [
        ("credentials", "0004_queues"),
        ("tokens", "0003_queues"),
    ]

    operations = [migrations.RunPython(fill_queues, migrations.RunPython.noop)]
