"""`manage.py rotate_audit_key`: seal the audit log under a new key from now on."""

from typing import Any

from django.core.management.base import BaseCommand

from sequin_admin.audit.models import record_change
from sequin_admin.audit.seals import make_key, newest_key


class Command(BaseCommand):
    help = "Seal the audit log under a new key from now on. Older ones stay, to verify its seals."

    def handle(self, *args: Any, **options: Any) -> None:
        key = make_key(newest_key().pk + 1)
        record_change(key, "audit_log.key_rotated", None)
        self.stdout.write(f"Key {key.pk} seals the audit log from now on.")
