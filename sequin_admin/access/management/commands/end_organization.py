"""`manage.py end_organization`: ends an organization as its owners can, or undoes that."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sequin_admin.access import endings
from sequin_admin.access.models import Organization


class Command(BaseCommand):
    help = (
        "End an organization: after the wait access is given back at the providers, and all of it "
        "is erased. Its owners are mailed, and can undo it until then, as --undo does."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--undo", action="store_true", help="let it stay")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["slug"]).first()
        if organization is None:
            raise CommandError(f"No organization has the slug {options['slug']}.")
        try:
            if options["undo"]:
                endings.undo(organization, actor=None)
                self.stdout.write(f"{organization} stays.")
            else:
                endings.ask(organization, actor=None)
                self.stdout.write(endings.describe_end(organization))
        except endings.EndRefused as refused:
            raise CommandError(str(refused)) from None
