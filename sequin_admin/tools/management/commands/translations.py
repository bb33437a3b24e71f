from typing import Any

from django.core.management.base import BaseCommand

from sequin_admin.tools.translations import catalogues


class Command(BaseCommand):
    """`manage.py translations`: see `tools/translations`."""

    help = "Brings the .po files of customers' pages up to date with the code, and compiles them."

    def handle(self, *args: Any, **options: Any) -> None:
        for line in catalogues.update():
            self.stdout.write(line)
