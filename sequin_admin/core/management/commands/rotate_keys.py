"""`manage.py rotate_keys`: re-encrypt every stored secret with the newest key."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import pluralize
from rich.progress import track

from sequin_admin.core import keyring


class Command(BaseCommand):
    help = "Re-encrypt every secret with the first key in FIELD_ENCRYPTION_KEY. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        lost = []
        for column in keyring.encrypted_columns():
            total = column.raw.count()
            rows = keyring.iterate_tokens(column)
            for pk, token in track(rows, description=str(column), total=total, transient=True):
                if keyring.is_current(token):
                    continue
                try:
                    keyring.rotate_token(column, pk, token)
                except InvalidToken:
                    if column.disposable:
                        column.delete(pk, token)
                        continue
                    lost.append(f"{column} of {pk}")
            self.stdout.write(f"{column}: {total:,} row{pluralize(total)} looked at.")
        stored = (
            token for c in keyring.encrypted_columns() for _, token in keyring.iterate_tokens(c)
        )
        left = sum(not keyring.is_current(token) for token in stored)
        self.stdout.write(f"{left:,} row{pluralize(left)} left on the old key.")
        if lost:
            raise CommandError(
                f"No key opens {len(lost):,} of them, the first is {lost[0]}. Add the key they "
                "were saved with to the end of FIELD_ENCRYPTION_KEY and run this again."
            )
