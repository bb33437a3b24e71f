"""Group the incidents that exist into causes, as those that open from now on are.

The rules of that day stand here again: a migration never changes with the code.
"""

from datetime import timedelta

from django.db import migrations

JOIN_WITHIN, JOIN_AT_MOST = timedelta(hours=1), timedelta(hours=2)
SAME_FAULT = {"unreachable": "unavailable", "not_json": "unavailable"}
ROWS = 500


def fault_code(code):
    return "unavailable" if code.startswith("http_5") else SAME_FAULT.get(code, code)


def group_incidents(apps, schema_editor):
    Incident, Cause = apps.get_model("health", "Incident"), apps.get_model("health", "Cause")
    ungrouped = Incident.objects.filter(cause=None).order_by("opened_at", "id")
    living, grouped = {}, []
    for incident in ungrouped.iterator(chunk_size=ROWS):
        code = fault_code(incident.code)
        key = (incident.organization_id, incident.provider, code, incident.status)
        cause = living.get(key)
        if cause is None or not joins(cause, incident):
            if cause:
                cause.accepts = False
            cause = living[key] = first_of(Cause, incident, key)
            grouped.append(cause)
        join(cause, incident)
    for cause in grouped:
        if cause.open_incidents:
            cause.resolved_at = None
        elif cause.mended:
            cause.accepts = False
    Cause.objects.bulk_create(grouped, batch_size=ROWS)
    for cause in grouped:
        for start in range(0, len(cause.members), ROWS):
            Incident.objects.filter(pk__in=cause.members[start : start + ROWS]).update(cause=cause)


def joins(cause, incident):
    until = min(cause.latest_at + JOIN_WITHIN, cause.opened_at + JOIN_AT_MOST)
    # A fault that somebody fixed is over: what comes after it is another.
    over = cause.mended and not cause.open_incidents and cause.resolved_at <= incident.opened_at
    return incident.opened_at <= until and not over


def first_of(Cause, incident, key):
    cause = Cause(
        organization_id=incident.organization_id,
        provider=incident.provider,
        code=key[2],
        status=incident.status,
        entity=incident.entity,
        name=incident.name,
        message=incident.message,
        opened_at=incident.opened_at,
        latest_at=incident.opened_at,
        told_incidents=1,
    )
    cause.members = []
    return cause


def join(cause, incident):
    cause.members.append(incident.pk)
    cause.latest_at, cause.total_incidents = incident.opened_at, cause.total_incidents + 1
    if cause.entity != incident.entity:
        cause.entity = ""
    # People were told of each incident: nobody is told again.
    cause.told_at = cause.told_at or incident.told_at or incident.opened_at
    if incident.resolved_at is None:
        cause.open_incidents += 1
        cause.affected += incident.affected
        cause.over_told_at = None
    else:
        cause.mended = cause.mended and incident.mended
        cause.resolved_at = max(cause.resolved_at or incident.resolved_at, incident.resolved_at)
        if not cause.open_incidents:
            cause.over_told_at = incident.over_told_at or incident.resolved_at


def ungroup(apps, schema_editor):
    apps.get_model("health", "Incident").objects.update(cause=None)
    apps.get_model("health", "Cause").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("health", "0004_causes")]

    operations = [migrations.RunPython(group_incidents, ungroup)]
