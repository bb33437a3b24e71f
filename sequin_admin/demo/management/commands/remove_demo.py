"""`manage.py remove_demo`: removes the demo data, as its page does."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sequin_admin.demo import removal
from sequin_admin.demo.models import Demo


class Command(BaseCommand):
    help = "Remove the demo data. What people have added and the audit log stay."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        demos = list(Demo.objects.select_related("organization"))
        if not demos:
            self.stdout.write("There is no demo data.")
        for demo in demos:
            name = str(demo.organization)
            if dry_run:
                plan, said = removal.plan_removal(demo), "Would be removed"
            else:
                plan, said = removal.remove(demo, actor=None), "Removed"
            self.stdout.write(f"{said} from {name}: {', '.join(plan.words()) or 'nothing'}.")
            if plan.kept_count:
                self.stdout.write(f"Left, as rows of people need them: {plan.kept_count}.")
