"""The last lines of a run's log, without secrets."""

from collections.abc import Sequence

from sequin_admin.core import clock
from sequin_admin.core.redaction import redact
from sequin_admin.core.strict_json import storable_text
from sequin_admin.syncs.models import Run, iso_time

MOST_LINES = 200
LINE_CHARS = 500


def add_lines(run: Run, lines: Sequence[str], secrets: Sequence[str]) -> None:
    """Add lines to the end. The oldest go. No secret is looked for in what is cut off a line."""
    at = iso_time(clock.now())
    added = [
        {"at": at, "line": storable_text(redact(line[:LINE_CHARS], secrets))[:LINE_CHARS]}
        for line in lines[-MOST_LINES:]
    ]
    run.log = [*run.log, *added][-MOST_LINES:]
