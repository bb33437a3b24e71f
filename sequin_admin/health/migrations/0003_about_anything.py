"""Checks and transitions name what they are about, instead of by a foreign key for each model."""

import django.db.models.deletion
from django.db import migrations, models

SUBJECTS = (("credential", "Credential"), ("oauth_app", "OAuthApp"))


def name_subjects(apps, schema_editor):
    checks = apps.get_model("health", "Check").objects
    transitions = apps.get_model("health", "Transition").objects
    for column, model in SUBJECTS:
        for subject in apps.get_model("credentials", model).objects.defer("secrets").iterator():
            naming = {
                "organization_id": subject.organization_id,
                "provider": provider_of(subject),
                "entity": column,
                "entity_id": subject.pk,
                "name": subject.name,
            }
            own = {f"{column}_id": subject.pk}
            checks.filter(**own).update(status=subject.health_status, **naming)
            transitions.filter(**own).update(**naming)


def provider_of(subject):
    """Providers are no column of a credential, but their names begin its kind's."""
    if hasattr(subject, "provider"):
        return subject.provider
    known = ("checkout_champ",)
    return next(
        (name for name in known if subject.kind.startswith(name)), subject.kind.split("_")[0]
    )


def point_at_subjects(apps, schema_editor):
    for table in ("Check", "Transition"):
        rows = apps.get_model("health", table).objects
        for column, model in SUBJECTS:
            known = apps.get_model("credentials", model).objects.values("pk")
            mine = rows.filter(entity=column, entity_id__in=known)
            mine.update(**{f"{column}_id": models.F("entity_id")})
        rows.filter(credential=None, oauth_app=None).delete()


def about(table):
    owner = models.ForeignKey(
        null=True,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="+",
        to="access.organization",
    )
    return [
        migrations.AddField(table, "organization", owner),
        migrations.AddField(
            table, "provider", models.CharField(blank=True, default="", max_length=40)
        ),
        migrations.AddField(table, "entity", models.CharField(default="", max_length=20)),
        migrations.AddField(table, "entity_id", models.UUIDField(null=True)),
        migrations.AddField(table, "name", models.CharField(default="", max_length=200)),
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("health", "0002_worker"),
        ("access", "0002_logo"),
        ("credentials", "0001_initial"),
    ]

    operations = [
        migrations.RemoveConstraint("check", "check_of_credential"),
        migrations.RemoveConstraint("check", "check_of_oauth_app"),
        migrations.RenameField("check", "name", "check_name"),
        *about("check"),
        *about("transition"),
        migrations.AddField(
            "check", "status", models.CharField(blank=True, default="", max_length=24)
        ),
        migrations.AddField("check", "flips", models.PositiveIntegerField(default=0)),
        migrations.RunPython(name_subjects, point_at_subjects),
    ]
