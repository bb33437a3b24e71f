"""How often a permit was asked for in vain, by credential.

Each process counts in memory and adds what is new to the samples every few seconds, so that a
refusal costs no write. A process that is killed takes the counts of these seconds with it.
"""

import threading
from collections import Counter
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Case, F, IntegerField, Value, When

from sequin_admin.core import clock
from sequin_admin.core.availability import is_told
from sequin_admin.core.chunks import CHUNK_SIZE
from sequin_admin.credentials.models import Credential
from sequin_admin.limits.models import Sample, SamplePeriod, UsageSummary
from sequin_admin.limits.recorded import start_of

log = structlog.get_logger(__name__)
_lock = threading.Lock()
_counted = Counter[UUID]()


def count_refusal(credential: UUID) -> None:
    with _lock:
        _counted[credential] += 1


def flush() -> None:
    """Add what was counted to the samples of this minute and hour. Errors of the database are
    logged, and the counts kept."""
    with _lock:
        counted = dict(_counted)
        _counted.clear()
    pks = sorted(counted)
    for begin in range(0, len(pks), CHUNK_SIZE):
        part = {pk: counted[pk] for pk in pks[begin : begin + CHUNK_SIZE]}
        try:
            add_to_samples(part)
        except DatabaseError as error:
            with _lock:
                _counted.update(part)
            if not is_told(error):
                log.warning("refused permits not written", exc_info=True)


@transaction.atomic
def add_to_samples(counted: dict[UUID, int]) -> None:
    """In one order everywhere, so that no two processes wait for each other."""
    known = Credential.objects.filter(pk__in=counted).order_by("pk").values_list("pk", flat=True)
    pks = list(known)
    if not pks:
        return
    gains = [When(credential=pk, then=Value(counted[pk])) for pk in pks]
    gain = Case(*gains, default=Value(0), output_field=IntegerField())
    for span in SamplePeriod:
        at = start_of(clock.now(), span)
        new = [Sample(credential_id=pk, span=span, at=at) for pk in pks]
        Sample.objects.bulk_create(new, ignore_conflicts=True)
        rows = Sample.objects.filter(credential__in=pks, span=span, at=at)
        # Locked in one order: an update alone takes its rows in any.
        list(rows.order_by("credential").select_for_update().values_list("pk", flat=True))
        rows.update(refused=F("refused") + gain)
    # So that they are summed up soon, whatever else was used.
    summaries = UsageSummary.objects.filter(credential__in=pks)
    list(summaries.order_by("credential").select_for_update().values_list("pk", flat=True))
    summaries.update(hour_refused=F("hour_refused") + gain, day_refused=F("day_refused") + gain)
