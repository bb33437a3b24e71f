"""Two processes at once make one cause, and none ends while an incident joins it."""

import threading
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection, transaction

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.health import incidents
from sequin_admin.health.models import Cause, Incident, subject_columns
from sequin_admin.health.status import Reason, Status
from tests.factories import make_credential
from tests.patience import PATIENCE_S

group = import_module("sequin_admin.health.migrations.0005_group_incidents")


def trouble(row):
    at = clock.now()
    return Reason(Status.CUSTOMER, row.entity, row.pk, str(row), at, "Refused.", "invalid_grant")


def update(rows, why=trouble):
    with transaction.atomic():
        locked = list(Credential.objects.filter(pk__in=[row.pk for row in rows]))
        incidents.update_incidents([(row, why and why(row)) for row in locked], at=clock.now())


def at_once(*jobs):
    """Run each in a thread of its own. Raises what one of them raised."""
    start, wrong = threading.Barrier(len(jobs)), []

    def run(job):
        try:
            start.wait(PATIENCE_S)
            for step in job:
                step()
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    if wrong:
        raise wrong[0]


@pytest.mark.django_db(transaction=True)
def test_two_that_open_and_resolve_at_once_have_one_cause_with_right_counts():
    organization = Organization.objects.create(name="Arrakis", slug="arrakis")
    rows = [make_credential(organization, "stripe_key", identity=str(n)) for n in range(12)]
    halves = (rows[::2], rows[1::2])

    at_once(*([lambda row=row: update([row]) for row in half] for half in halves))
    cause = Cause.objects.get()
    assert (cause.open_incidents, cause.total_incidents) == (12, 12)

    at_once(
        [lambda row=row: update([row], None) for row in halves[0]],
        [
            step
            for row in halves[1]
            for step in (lambda r=row: update([r], None), lambda r=row: update([r]))
        ],
    )

    cause = Cause.objects.get()
    assert (cause.open_incidents, cause.resolved_at) == (6, None)
    assert Incident.objects.open().count() == 6


def test_the_migration_groups_what_there_is(organization):
    row, now = make_credential(organization, "stripe_key"), clock.now()
    ages = {"open": (0, None), "also": (50, None), "old": (300, 200), "other": (400, 100)}
    for name, (began, over) in ages.items():
        columns = subject_columns(row) | {"name": name, "entity_id": Organization(name=name).pk}
        Incident.objects.create(
            **columns,
            status="customer_intervention",
            code="invalid_grant" if name != "other" else "forbidden",
            opened_at=now - timedelta(minutes=began),
            resolved_at=over and now - timedelta(minutes=over),
        )

    group.group_incidents(apps, None)

    found = {
        cause.name: (cause.open_incidents, cause.total_incidents, cause.accepts)
        for cause in Cause.objects.all()
    }
    assert found == {"also": (2, 2, True), "old": (0, 1, False), "other": (0, 1, True)}
    assert not Incident.objects.filter(cause=None).exists()
    # Nobody is told again of what was told before.
    assert not Cause.objects.filter(told_at=None).exists()
