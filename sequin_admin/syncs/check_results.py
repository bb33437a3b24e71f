"""The checks of syncs and consumers that reports and runs decide, and recording their results."""

from collections.abc import Mapping

from django.db import transaction

from sequin_admin.core.monitored import Monitored
from sequin_admin.credentials.outcomes import Outcome, Verdict
from sequin_admin.health.checks import record_checks
from sequin_admin.health.models import Check
from sequin_admin.health.rollup import propagate
from sequin_admin.health.status import Status

# Of a sync: whether its worker works, in time, close behind, and with rows where there were some.
REPORT, LATE, LAG, DELETES, ROWS = "report", "late", "lag", "deletes", "rows"
# Of a consumer: whether its target takes what is written.
WRITING = "writing"


def record_known(subject: Monitored, results: Mapping[str, Outcome], *always: str) -> None:
    """Record the results that say something, and propagate a change of the status."""
    told = told_results(subject, results, *always)
    if told:
        with transaction.atomic():
            changed = record_checks(subject, told)
        propagate(changed)


def told_results(
    subject: Monitored, results: Mapping[str, Outcome], *always: str
) -> dict[str, Outcome]:
    """Without the successes of checks that never failed or pass already, unless they are named in
    `always`."""
    passing = {name for name, each in results.items() if each.ok} - {*always}
    seen = Check.objects.about(subject).filter(check_name__in=passing)
    ending = seen.exclude(status=Status.HEALTHY, verdict=Verdict.OK)
    failing = set(ending.values_list("check_name", flat=True))
    return {n: each for n, each in results.items() if n not in passing or n in failing}
