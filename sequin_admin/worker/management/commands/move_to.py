"""`manage.py move_to postgresql://...`: move everything into an empty PostgreSQL."""

import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from sequin_admin.core import clock
from sequin_admin.core.env import ROOT, inherited
from sequin_admin.core.words import count_words
from sequin_admin.health import workers
from sequin_admin.worker import moving


class Command(BaseCommand):
    help = (
        "Move everything, from SQLite for example, into the empty PostgreSQL that the URL names. "
        "Stop web and worker first: nothing can be saved while this runs. Killed, it goes on when "
        "it is run again. What was here stays as it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", metavar="DATABASE_URL")
        parser.add_argument("--anew", action="store_true", help="Empty the target, begin again.")

    def handle(self, *args: Any, url: str, anew: bool, **options: Any) -> None:
        try:
            moving.connect_target(url)
            if workers.alive(clock.now()).exists():
                raise moving.MoveRefused(
                    "A worker runs. Stop web and worker, wait half a minute and run this again."
                )
            self.run_there(url, "migrate", "--verbosity", "0")
            # SQLite takes the lock of the only writer, so nothing changes under the copy.
            with transaction.atomic():
                moving.begin(anew=anew)
                for progress in moving.copy_all():
                    rows = count_words(progress.total, "row")
                    self.stdout.write(f"{progress.table}: {progress.copied:,} of {rows}.")
                    self.stdout.flush()
                total = moving.finish()
        except moving.MoveRefused as refusal:
            raise CommandError(str(refusal)) from None
        self.run_there(url, "verify_audit")
        self.stdout.write(
            f"{total:,} rows are moved, their counts are the same, and the seals of the audit log "
            "hold. Set DATABASE_URL to the new address and start web and worker."
        )

    def run_there(self, url: str, *arguments: str) -> None:
        """Run a command on the target. Raises `CommandError`."""
        done = subprocess.run(  # noqa: S603 - a command of ours
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**inherited(), "DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise CommandError(f"{arguments[0]} in the new database says: {' '.join(last)}")
