"""`manage.py reset_sign_in_rules SLUG`: opens an organization whose rules shut its people out."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sequin_admin.access.models import Organization
from sequin_admin.access.sign_in_rules import NO_RULES, reset_rules

# What an option of the command resets.
OPTIONS = {
    "networks": ("networks",),
    "sign_on": ("provider",),
    "second_factor": ("second_factor",),
    "sessions": ("longest_minutes", "idle_minutes"),
}


class Command(BaseCommand):
    help = (
        "Let an organization ask no more for its networks, its OpenID provider, a second factor or "
        "lengths of sessions: all of it, or what the options name. Written into its audit log."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        for name in OPTIONS:
            parser.add_argument(f"--{name.replace('_', '-')}", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["slug"]).first()
        if organization is None:
            raise CommandError(f"There is no organization with the slug {options['slug']}.")
        named = [field for name, fields in OPTIONS.items() if options[name] for field in fields]
        changed = reset_rules(organization, named or NO_RULES, actor=None)
        told = ", ".join(name.replace("_", " ") for name in changed)
        self.stdout.write(
            f"{organization} asks no more for: {told}." if changed else "Nothing was asked for."
        )
