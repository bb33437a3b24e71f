"""Templates have short lines, so that a reader and a diff show what is there, and times in UTC."""

import re
import subprocess
from pathlib import Path

from django.conf import settings

MAX_COLUMNS = 110
FOLDERS = ("templates", "sequin_admin/simulator/templates")
# "since 3 min ago", also in a cell with such a label; and "next 3 min ago" where nothing came.
SINCE_AGO = (
    r"""(?i)(?<!-)\b(since|until|next( try)?)"?( class="[^"]*")?>?(<[^>]*>|\s)*\{\{[^}]*\|ago"""
)


def test_no_line_of_a_template_is_too_long() -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *FOLDERS]
    listed = subprocess.check_output(command, cwd=settings.BASE_DIR, text=True).split()
    paths = [Path(settings.BASE_DIR, name) for name in listed if name.endswith(".html")]

    long = [
        f"{path}:{number} has {len(line)} columns"
        for path in paths
        if path.exists()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > MAX_COLUMNS
    ]

    assert len(paths) > len(FOLDERS)
    assert not long


def test_what_is_called_utc_is_utc_for_whoever_reads() -> None:
    """`date` alone is in the reader's time zone."""
    templates = Path(settings.BASE_DIR, "templates").rglob("*.*")

    local = [str(path) for path in templates if re.search(r"(?<!\|utc)\|date:", path.read_text())]

    assert local == []


def test_no_time_that_counts_on_follows_since_until_or_next() -> None:
    templates = Path(settings.BASE_DIR, "templates").rglob("*.html")

    ago = [str(path) for path in templates if re.search(SINCE_AGO, path.read_text())]

    assert ago == []
