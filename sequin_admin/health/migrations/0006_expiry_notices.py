"""Notices of ends of every sort, with those that were posted of credentials."""

import datetime
from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def copy_notices(apps: Any, schema_editor: Any) -> None:
    notices = apps.get_model("health", "EndNotice").objects.select_related("credential")
    table = apps.get_model("health", "ExpiryNotice")
    table.objects.bulk_create(
        (
            table(
                organization_id=notice.credential.organization_id,
                what="credential",
                subject=str(notice.credential_id),
                ends_at=notice.ends_at,
                before=notice.before,
            )
            for notice in notices.defer("credential__secrets").iterator()
        ),
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0006_list_settings"),
        ("credentials", "0008_find_ends"),
        ("health", "0005_group_incidents"),
    ]

    operations = [
        migrations.CreateModel(
            name="ExpiryNotice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("what", models.CharField(max_length=20)),
                ("subject", models.CharField(max_length=60)),
                ("ends_at", models.DateTimeField()),
                ("before", models.DurationField(default=datetime.timedelta(days=36500))),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="access.organization",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="expirynotice",
            index=models.Index(fields=["ends_at"], name="expiry_notice_end"),
        ),
        migrations.AddConstraint(
            model_name="expirynotice",
            constraint=models.UniqueConstraint(
                fields=("organization", "what", "subject"), name="expiry_notice_once"
            ),
        ),
        migrations.RunPython(copy_notices, migrations.RunPython.noop),
    ]
