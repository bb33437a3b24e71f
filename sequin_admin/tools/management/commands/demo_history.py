"""`manage.py demo_history`: writes the demo's past. `up` runs it behind the first start."""

import time
from typing import Any

from django.core.management.base import BaseCommand

from sequin_admin.core import shutdown
from sequin_admin.demo.models import Demo
from sequin_admin.tools.demo.history import write_next_day

# Others write in between: SQLite has one writer at a time.
PAUSE_S = 0.05


class Command(BaseCommand):
    help = "Write the history of the demo, from where it was left."

    def handle(self, *args: Any, **options: Any) -> None:
        for demo in Demo.objects.filter(ready_at__isnull=False):
            if not demo.has_all_history:
                self.stdout.write(f"Writing {demo.days} days of history for the demo...")
            while not shutdown.is_requested() and write_next_day(demo):
                time.sleep(PAUSE_S)
        self.stdout.write("The demo's history is complete.")
