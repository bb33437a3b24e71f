from typing import Any

import django.db.models.deletion
from django.db import migrations, models

import sequin_admin.core.fields


def delete_records(apps: Any, schema_editor: Any) -> None:
    """Answers of the last 24 hours, whose seal does not name the organization."""
    apps.get_model("access", "IdempotencyRecord").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("access", "0001_initial")]

    operations = [
        migrations.RunPython(delete_records, delete_records),
        migrations.AddField(
            model_name="idempotencyrecord",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="kept_answers",
                to="access.organization",
            ),
        ),
        migrations.AlterField(
            model_name="idempotencyrecord",
            name="answer",
            field=sequin_admin.core.fields.EncryptedJSONField(
                bind=("organization_id", "id", "api_key_id"),
                default=dict,
                scope="idempotency_record",
            ),
        ),
    ]
