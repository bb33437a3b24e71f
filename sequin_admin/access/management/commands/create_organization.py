"""`manage.py create_organization`: makes an organization and invites its first owner."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils.text import slugify

from sequin_admin.access import invitations
from sequin_admin.access.models import Organization
from sequin_admin.access.policy import Role
from sequin_admin.audit.models import record_change
from sequin_admin.core.names import clean_name


class Command(BaseCommand):
    help = "Make an organization and invite its first owner. Prints the link that accepts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--owner", required=True, metavar="EMAIL")

    def handle(self, *args: Any, **options: Any) -> None:
        name, email = clean_name(options["name"]), options["owner"]
        validate_email(email)
        longest = Organization._meta.get_field("name").max_length or 0
        if len(name) > longest:
            raise CommandError(f"The name is longer than {longest} characters. Choose another one.")
        slug = slugify(name)[:50]
        if not slug or Organization.objects.filter(slug=slug).exists():
            raise CommandError(f"The name {name!r} is taken or has no letter. Choose another one.")
        with transaction.atomic():
            organization = Organization.objects.create(name=name, slug=slug)
            record_change(organization, "organization.created", None)
            _, token = invitations.create(organization, email, Role.OWNER, actor=None)
        url = settings.PUBLIC_URL + reverse("invitation_open", args=[token])
        self.stdout.write(f"{email} becomes the owner of {name} here, once, within 7 days:\n{url}")
