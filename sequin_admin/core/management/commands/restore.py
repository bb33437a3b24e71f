"""`manage.py restore FILE --identity KEY`: fill an empty database from a backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sequin_admin.core import backups


class Command(BaseCommand):
    help = (
        "Fill the empty database that DATABASE_URL names from a backup, wholly or not at all. Set "
        "FIELD_ENCRYPTION_KEY and SECRET_KEY as they were, and run migrate afterwards."
    )
    # Of the database, which is empty.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--identity",
            type=Path,
            required=True,
            metavar="FILE",
            help="Private key, from age-keygen or ssh-keygen, that opens it.",
        )

    def handle(self, *args: Any, file: Path, identity: Path, **options: Any) -> None:
        try:
            keys = backups.read_identities(identity)
            manifest = backups.restore_backup(file, keys, self.stdout.write)
        except (backups.BackupRefused, OSError) as failure:
            raise CommandError(str(failure)) from None
        self.stdout.write(
            f"{manifest.total:,} rows of {manifest.made_at} are back. Run manage.py migrate, then "
            "start web and worker."
        )
