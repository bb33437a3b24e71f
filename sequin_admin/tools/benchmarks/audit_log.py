"""Benchmark of the audit log: seconds to write, seal and verify a million events of 20 chains."""

import time
import uuid
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from sequin_admin.audit import sealing
from sequin_admin.audit.models import Event
from sequin_admin.audit.verification import Verification

MANY, CHAINS, BATCH = 1_000_000, 20, 5_000
ALLOWED_S = 120


def measure(total: int = MANY) -> dict[str, Any]:
    found = Verification()
    figures: dict[str, Any] = {"events": total, "allowed_s": ALLOWED_S}
    with patch.object(sealing, "LONGEST_S", float("inf")):
        figures["write"] = time_call(lambda: write_events(total))
        figures["seal"] = time_call(sealing.seal_committed)
    figures["verify"] = time_call(lambda: found.run([]))
    return {**figures, "verified": found.events, "broken": len(found.broken)}


def time_call(call: Callable[[], object]) -> dict[str, float]:
    began, busy = time.perf_counter(), time.process_time()
    call()
    took, busy = time.perf_counter() - began, time.process_time() - busy
    return {"took_s": round(took, 1), "processor_s": round(busy, 1)}


def write_events(total: int) -> None:
    chains = [uuid.uuid4() for _ in range(CHAINS)]
    for start in range(0, total, BATCH):
        Event.objects.bulk_create(
            Event(
                organization_id=chains[number % CHAINS],
                action="credential.updated",
                actor="paul@arrakis.test",
                actor_type="user",
                actor_id=str(uuid.UUID(int=number)),
                target=f"Spice trade {number}",
                target_type="credential",
                target_id=str(uuid.UUID(int=number)),
                details={"changed": ["name"], "before": {"name": "x"}, "after": {"name": "y"}},
                address="203.0.113.7",
                user_agent="Mozilla/5.0 (X11; Linux x86_64)",
            )
            for number in range(start, min(start + BATCH, total))
        )
