"""`manage.py demo`: makes a demo organization with credentials from the provider simulator."""

import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from sequin_admin.access.models import Membership, Organization, User
from sequin_admin.access.policy import Role
from sequin_admin.core import clock
from sequin_admin.demo import removal
from sequin_admin.demo.models import Demo
from sequin_admin.tools.demo.customers import places
from sequin_admin.tools.demo.mailing import deliver_past
from sequin_admin.tools.demo.stage import Stage
from sequin_admin.tools.demo.story import Story
from sequin_admin.tools.management.commands.demo_worker import KEY_FILE
from sequin_admin.tools.simulator import SimulatorControl

LOGIN = settings.DATA_DIR / "demo-login"
WORKER_KEY = settings.DATA_DIR / KEY_FILE
EMAIL = "demo@sequin-admin.test"
CREDENTIALS, DAYS = 60, 89


class Command(BaseCommand):
    help = "Make the demo organization and its login, once. Needs SIMULATOR_URL."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--credentials", type=int, default=CREDENTIALS, help="how many")
        parser.add_argument("--days", type=int, default=DAYS, help="how long its history is")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SIMULATOR_URL:
            raise CommandError(
                "Demo data comes from the simulator: set SIMULATOR_URL, or make run."
            )
        if User.objects.filter(email=EMAIL).exists():
            self.stdout.write("The demo organization is there already.")
            return
        organization, _ = Organization.objects.get_or_create(
            slug="arrakis", defaults={"name": "Arrakis"}
        )
        # The login is made last, so a demo without it was cut off.
        for unfinished in Demo.objects.filter(organization=organization):
            removal.remove(unfinished, actor=None)
        demo = Demo.objects.create(organization=organization, days=options["days"])
        with SimulatorControl(settings.SIMULATOR_URL) as simulator:
            fill(demo, simulator, options["credentials"])
        make_login(organization)


def fill(demo: Demo, simulator: SimulatorControl, credentials: int) -> None:
    """Let the story happen, and say which credential the demo's worker uses."""
    story = Story(Stage(demo, simulator), places(credentials, demo.days))
    story.play()
    deliver_past(demo.organization, before=demo.began_at)
    metered = story.metered()
    demo.metered, demo.ready_at = metered.pk if metered else None, clock.now()
    demo.save(update_fields=["metered", "ready_at"])
    write_private(WORKER_KEY, f"{story.worker_token}\n")


def make_login(organization: Organization) -> None:
    """Create the owner with a random password, which is stored in a file for `up` to print."""
    password = secrets.token_urlsafe(9)
    write_private(LOGIN, f"{EMAIL}   {password}\n")
    with transaction.atomic():
        user = User.objects.create_superuser(username=EMAIL, email=EMAIL, password=password)
        Membership.objects.create(organization=organization, user=user, role=Role.OWNER)


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(text)
