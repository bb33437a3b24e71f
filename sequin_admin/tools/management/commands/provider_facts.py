"""Warns of facts about providers whose sources were read too long ago."""

from typing import Any

from django.core.management.base import BaseCommand

from sequin_admin.core import clock
from sequin_admin.credentials.provider_changes import stale_facts


class Command(BaseCommand):
    """Never fails: what is true today is no fault tomorrow because of the date."""

    help = "Name the dated changes of providers that were checked more than 180 days ago."

    def handle(self, *args: Any, **options: Any) -> None:
        for sentence in stale_facts(clock.now().date()):
            self.stderr.write(f"Warning: {sentence}")
