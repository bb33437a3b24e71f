"""`manage.py verify_audit`: find what was changed in the audit log past the product."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from sequin_admin.audit.tables import ChainHead
from sequin_admin.audit.verification import ExportedHead, Verification, heads_of
from sequin_admin.core.words import count_words

TELL_EVERY_S = 5
SHOWN = 20


class Command(BaseCommand):
    help = (
        "Verify that each event of the audit log is as it was sealed, and that none is missing or "
        "was put in. Safe to run while the product does."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--head",
            metavar="FILE",
            help="the ends of the chains as they were exported: finds that an end was cut off",
        )
        parser.add_argument(
            "--save-head", metavar="FILE", help="write the ends of the chains there, if all is well"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.began = self.told_at = time.monotonic()
        found = Verification(self.tell)
        found.run(list(read_heads(Path(options["head"]))) if options["head"] else [])
        took_s = time.monotonic() - self.began
        self.stdout.write(
            f"{count_words(found.events, 'event')} in {count_words(found.seals, 'seal')} verified "
            f"in {took_s:.0f} s; {found.waiting:,} to be sealed by the worker."
        )
        if found.broken:
            raise CommandError(describe_broken(found.broken))
        if options["save_head"]:
            heads = heads_of(ChainHead.objects.all())
            Path(options["save_head"]).write_text("".join(f"{json.dumps(h)}\n" for h in heads))
        self.stdout.write("The audit log is whole.")

    def tell(self, events: int) -> None:
        if time.monotonic() - self.told_at >= TELL_EVERY_S:
            self.told_at = time.monotonic()
            self.stdout.write(f"{count_words(events, 'event')} verified.")
            self.stdout.flush()


def describe_broken(broken: list[str]) -> str:
    shown = "\n".join(f"- {sentence}" for sentence in broken[:SHOWN])
    more = f"\n... and {len(broken) - SHOWN:,} more." if len(broken) > SHOWN else ""
    return f"The audit log is not whole. The first that was found comes first:\n{shown}{more}"


def read_heads(path: Path) -> Iterator[ExportedHead]:
    """Of a file of `--save-head`, or of an export. Raises `CommandError`."""
    try:
        with path.open() as file:
            for line in file:
                said = json.loads(line)
                for head in said.get("heads", [said] if said["type"] == "head" else []):
                    yield ExportedHead(UUID(head["chain"]), int(head["number"]), head["mac"])
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        raise CommandError(
            f"{path} has no ends of chains. Name a file of --save-head, or an export of a day."
        ) from None
