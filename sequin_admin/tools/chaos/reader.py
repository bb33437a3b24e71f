"""A process of readers: each takes a token again and again, and asks whether it opens anything."""

import json
import random
import threading
import time
from collections import Counter
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connections

from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.tokens import renewal
from sequin_admin.tools.simulator import SimulatorControl

PAUSE_S = 0.2


class Notes:
    """What the readers saw, in a file that outlives a killed process. Kept at every sight."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()

    def add(self, kind: str, sight: str) -> None:
        with self.lock, self.path.open("a") as file:
            file.write(json.dumps([kind, sight]) + "\n")

    @staticmethod
    def read(folder: Path) -> Counter[tuple[str, str]]:
        """How often each kind was seen so. A line that a kill cut short does not count."""
        seen = Counter[tuple[str, str]]()
        for path in folder.glob("*.jsonl"):
            for line in path.read_text().splitlines():
                if line.endswith("]"):
                    kind, sight = json.loads(line)
                    seen[kind, sight] += 1
        return seen


def run(threads: int, notes: Notes) -> None:
    """Until the process is killed."""
    ids = list(Credential.objects.values_list("pk", flat=True))
    connections.close_all()
    for _ in range(threads):
        threading.Thread(target=read_on, args=(ids, notes), daemon=True).start()
    threading.Event().wait()


def read_on(ids: list[UUID], notes: Notes) -> None:
    simulator = SimulatorControl(settings.SIMULATOR_URL)
    while True:
        credential = Credential.objects.select_related("oauth_app").get(
            pk=random.choice(ids)  # noqa: S311
        )
        notes.add(credential.kind, sight(credential, simulator))
        time.sleep(PAUSE_S * random.random())  # noqa: S311


def sight(credential: Credential, simulator: SimulatorControl) -> str:
    """`ok`, `expired`, or why there was no token."""
    try:
        token = renewal.current(credential)
    except Refused as refusal:
        return f"{refusal.outcome.verdict.value}:{refusal.outcome.code}"
    except OperationalError:
        return "database busy"
    return "ok" if simulator.alive(credential.provider, token) else "expired"
