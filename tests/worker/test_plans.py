"""No periodic job reads the whole of a table that grows: each finds its rows by an index."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.worker.jobs import JOBS
from tests.factories import make_credential

pytestmark = pytest.mark.django_db

GROWING = (
    "access_idempotencyrecord",
    "audit_event",
    "connect_authorizationrequest",
    "connect_batchitem",
    "connect_connectlink",
    "connect_connectsession",
    "core_cacheentry",
    "credentials_credential",
    "django_session",
    "health_check",
    "health_incident",
    "health_transition",
    "limits_sample",
    "limits_usagecursor",
    "notifications_delivery",
    "tokens_chaindigest",
    "tokens_token",
)
# Whose every row may be meant: in chunks each minute, which PostgreSQL reads by the key, every ten
# minutes, and once an hour to find whom a provider's change touches.
WALKED = {
    "sample_usage": {"credentials_credential"},
    "propagate_recent_changes": {"credentials_credential"},
    "notify_ends": {"credentials_credential"},
}


def scanned(statement):
    """The growing tables that this statement reads from end to end."""
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {statement}")
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    found = re.findall(r"^\W*(?:SCAN|Seq Scan on|->  Seq Scan on) (\w+)(.*)", plan, re.MULTILINE)
    print(statement[:300], "\n", plan)
    return {table for table, _ in found} & set(GROWING)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_every_job_finds_its_rows_by_an_index(organization, job):
    make_credential(organization, "stripe_key")
    with CaptureQueriesContext(connection) as statements:
        for item in job.claim(1) if job.single else []:
            job.work(item)
        if not job.single:
            job.claim(1)

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    read = [
        each["sql"] for each in statements if re.match("SELECT|UPDATE|DELETE|WITH", each["sql"])
    ]
    found = {table for statement in read for table in scanned(statement)}
    if job.name == "notify_ends":  # Which changes are near depends on the day.
        assert found <= WALKED[job.name]
        return
    by_key = connection.vendor == "postgresql" and job.name == "sample_usage"
    assert found == (set() if by_key else WALKED.get(job.name, set()))
