"""`manage.py backup FILE --recipient age1...`: write an encrypted backup of the database."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sequin_admin.core import backups
from sequin_admin.core.words import count_words


class Command(BaseCommand):
    help = (
        "Write the whole database to one file, encrypted to public keys, while everything runs. "
        "Back up FIELD_ENCRYPTION_KEY and SECRET_KEY elsewhere: they are not in it, and without "
        "the first nothing can be restored."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--recipient",
            action="append",
            required=True,
            metavar="KEY",
            help="Public key, of age or SSH, that may open it. May be given several times.",
        )

    def handle(self, *args: Any, file: Path, recipient: list[str], **options: Any) -> None:
        try:
            keys = [backups.read_recipient(text) for text in recipient]
            manifest = backups.make_backup(file, keys, self.stdout.write)
        except (backups.BackupRefused, OSError) as failure:
            raise CommandError(str(failure)) from None
        self.stdout.write(f"{file}: {count_words(manifest.total, 'row')}.")
