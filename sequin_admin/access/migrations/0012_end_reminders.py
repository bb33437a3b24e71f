"""A mail to the owners a day before the end, also of those that wait already."""

from datetime import timedelta

from django.db import migrations, models


def remind_of_those_that_wait(apps, schema_editor):
    ending = apps.get_model("access", "OrganizationEnding")
    waiting = ending.objects.filter(step="waiting")
    waiting.update(due_at=models.F("ends_at") - timedelta(days=1))


class Migration(migrations.Migration):
    dependencies = [("access", "0011_endings")]

    operations = [
        migrations.AddField(
            model_name="organizationending",
            name="reminded_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.RunPython(remind_of_those_that_wait, migrations.RunPython.noop),
    ]
