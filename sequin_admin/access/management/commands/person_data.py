"""`manage.py person_data`: what is stored about a person, as JSON; or erases it."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from sequin_admin.access import addresses, persons


class Command(BaseCommand):
    help = "Print what is stored about a person, as JSON. With --erase: erase it, for good."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--erase", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        user = addresses.account_of(options["email"])
        if user is None:
            raise CommandError(f"No account has the address {options['email']}.")
        if not options["erase"]:
            self.stdout.write(json.dumps(persons.describe_person(user), cls=DjangoJSONEncoder))
            return
        try:
            pseudonym = persons.erase(user, actor=None)
        except persons.ErasureRefused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(f"Erased. In logs the worker writes {pseudonym} in place of the name.")
