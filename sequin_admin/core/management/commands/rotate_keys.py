"""`manage.py rotate_keys`: renew everything that is stored under an old key."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import pluralize

from sequin_admin.core import keyring
from sequin_admin.core.keyring import StoredColumn

# A row that is being saved, or was saved by a process with another first key, is met again.
PASSES = 3
TELL_EVERY_S = 5


class Command(BaseCommand):
    help = (
        "Re-encrypt every secret with the first key in FIELD_ENCRYPTION_KEY, and renew what "
        "depends on SECRET_KEY. Safe to repeat, and to run while the product does."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for _ in range(PASSES):
            left, lost = self.renew_all()
            if not left:
                break
        if left:
            raise CommandError(
                f"{left:,} row{pluralize(left)} saved with the old key while this ran: a process "
                "that runs still has it first. Restart all with the new key first and run this "
                "again. Keep the old key until then."
            )
        self.stdout.write(f"{len(lost):,} row{pluralize(len(lost))} left on the old key.")
        if lost:
            raise CommandError(
                f"No key opens {len(lost):,} of them, the first is {lost[0]}. Add the key they "
                "were saved with to the end of FIELD_ENCRYPTION_KEY and run this again."
            )

    def renew_all(self) -> tuple[int, list[str]]:
        """Renew every column. Returns how many rows had an old key, and those that no key opens."""
        old, lost = 0, list[str]()
        for column in keyring.columns():
            renewed, unreadable = self.renew(column)
            old, lost = old + renewed, lost + unreadable
        return old, lost

    def renew(self, column: StoredColumn) -> tuple[int, list[str]]:
        total, seen, old, lost = column.raw.count(), 0, 0, list[str]()
        told_at = time.monotonic()
        for batch in column.renew():
            seen, old, lost = seen + batch.rows, old + batch.old, [*lost, *batch.lost]
            if time.monotonic() - told_at >= TELL_EVERY_S:
                told_at = time.monotonic()
                self.stdout.write(f"{column}: {seen:,} of {total:,} looked at.")
                self.stdout.flush()
        self.stdout.write(
            f"{column}: {seen:,} row{pluralize(seen)} looked at, {old:,} of them renewed."
        )
        return old, lost
