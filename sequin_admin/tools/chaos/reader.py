"""A process of reader threads: each reads random tokens and checks that the provider takes them."""

import json
import random
import threading
import time
from collections import Counter
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connections

from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.tokens import renewal
from sequin_admin.tokens.models import Token
from sequin_admin.tools.simulator import SimulatorControl

PAUSE_S = 1.0
# A read that began while another process renewed the token.
RACED = "raced"
# A token that had ended when the provider was asked about it: this process was kept from asking.
LATE = "late"
# Neither is a read of its own.
NO_READS = {RACED, LATE}


class ReadLog:
    """Results of the reads, appended to a file, so that they survive a killed process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()

    def add(self, kind: str, result: str) -> None:
        with self.lock, self.path.open("a") as file:
            file.write(json.dumps([kind, result]) + "\n")

    @staticmethod
    def count(folder: Path) -> Counter[tuple[str, str]]:
        """How often each kind had each result, without lines that a kill has truncated."""
        counts = Counter[tuple[str, str]]()
        for path in folder.glob("*.jsonl"):
            for line in path.read_text().splitlines():
                if line.endswith("]"):
                    kind, result = json.loads(line)
                    counts[kind, result] += 1
        return counts


def run(threads: int, log: ReadLog) -> None:
    """Read until the process is killed."""
    ids = list(Credential.objects.values_list("pk", flat=True))
    connections.close_all()
    for _ in range(threads):
        threading.Thread(target=read_forever, args=(ids, log), daemon=True).start()
    print("The reader is running.")
    threading.Event().wait()


def read_forever(ids: list[UUID], log: ReadLog) -> None:
    simulator = SimulatorControl(settings.SIMULATOR_URL)
    while True:
        credential = Credential.objects.select_related("oauth_app").get(
            pk=random.choice(ids)  # noqa: S311
        )
        if (
            Token.objects.filter(pk=credential.pk)
            .exclude(lease_until__lt=clock.now())
            .exclude(lease_until=None)
        ):
            log.add(credential.kind, RACED)
        log.add(credential.kind, observe_read(credential, simulator))
        time.sleep(PAUSE_S * random.random())  # noqa: S311


def observe_read(credential: Credential, simulator: SimulatorControl) -> str:
    """Read a token. `ok`, `expired`, `LATE`, or why there was no token."""
    try:
        token, ends = renewal.get_token_and_expiry(credential)
    except Refused as refusal:
        return f"{refusal.outcome.verdict.value}:{refusal.outcome.code}"
    except OperationalError:
        return "database busy"
    if simulator.is_token_alive(credential.provider, token):
        return "ok"
    return LATE if ends and ends <= clock.now() else "expired"
