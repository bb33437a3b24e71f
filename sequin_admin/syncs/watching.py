"""Where outcomes about syncs, consumers and targets become a status."""

from datetime import timedelta

from sequin_admin.core import clock
from sequin_admin.credentials.models import Watched
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.health.status import next_status


def keep(subject: Watched, name: str, outcome: Outcome) -> None:
    """Bring the subject's status up to date with what its check `name` found."""
    now, before = clock.now(), subject.health_status
    after = next_status(before, outcome.verdict, troubled_for=timedelta())
    subject.health_note = "" if outcome.ok else outcome.sentence[:500]
    subject.checked_at = now
    if after != before:
        subject.health_status, subject.health_since = after, now
    subject.save(update_fields=["health_status", "health_note", "health_since", "checked_at"])
