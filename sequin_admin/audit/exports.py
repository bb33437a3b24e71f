"""Exports what was sealed to a file a day or a webhook, where the database's owner can't reach it.

A line, or a request, for each seal with its events; then the ends of all chains, with which
`manage.py verify_audit --head` finds that an end was cut off.
"""

import json
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from standardwebhooks import Webhook

from sequin_admin.audit.configuration import CONFIGURATION
from sequin_admin.audit.models import Event
from sequin_admin.audit.seals import COLUMNS, read_entries
from sequin_admin.audit.tables import AuditExport, ChainHead, Seal
from sequin_admin.audit.verification import heads_of
from sequin_admin.core import clock, http, leases, shutdown
from sequin_admin.core.clock import DatabaseTime

log = structlog.get_logger(__name__)
EVERY, AGAIN = timedelta(days=1), timedelta(hours=1)
LEASE = timedelta(minutes=10)
# Other chores wait for so long.
LONGEST_S = 20.0
SEALS, HEADS = 50, 500
READABLE_BY_US = 0o600


class NotExported(Exception):
    """The receiver did not take it. `str()` is a sentence."""


def export_due() -> None:
    """A job of the worker: what was sealed since the last export, when its time has come."""
    if not (CONFIGURATION.export_dir or CONFIGURATION.export_url):
        return
    if not AuditExport.objects.exists():
        AuditExport.objects.get_or_create(pk=1)
    due = AuditExport.objects.filter(due_at__lte=DatabaseTime())
    for row in leases.claim_due(due, 1, LEASE):
        export_claimed(row)


def export_claimed(row: AuditExport) -> None:
    """It goes on in a minute when it takes long, and in an hour when it fails."""
    try:
        if not send_seals(row):
            leases.release(row)
            return
        for heads in pages_of_heads():
            send({"type": "heads", "heads": heads})
    except (NotExported, OSError, http.Unreachable, http.Forbidden) as error:
        log.warning("audit log not exported", reason=str(error))
        leases.release(row, due_at=DatabaseTime(AGAIN), error=str(error)[:300])
    else:
        now = clock.now()
        leases.release(row, due_at=DatabaseTime(EVERY), exported_at=now, error="")


def send_seals(row: AuditExport) -> bool:
    """Whether all were sent. Those of a page that failed are sent again."""
    until = time.monotonic() + LONGEST_S
    while page := list(Seal.objects.filter(pk__gt=row.last_seal).order_by("pk")[:SEALS]):
        for seal in page:
            send(describe_seal(seal))
        row.last_seal = page[-1].pk
        mine = leases.still_mine(row)
        if not leases.extend(mine, LEASE, last_seal=row.last_seal) or shutdown.is_requested():
            return False
        if time.monotonic() > until:
            return False
    return True


def describe_seal(seal: Seal) -> dict[str, Any]:
    """The seal, and its events as they are now."""
    pks = list(read_entries(seal.entries))
    rows = Event.objects.filter(pk__in=pks).order_by("pk").values(*COLUMNS)
    names = ("number", "first_id", "last_id", "pruned_to", "anchor", "floor", "entries")
    return {
        "type": "seal",
        "chain": str(seal.chain),
        **{name: getattr(seal, name) for name in names},
        "sealed_at": seal.sealed_at,
        "key_id": seal.key_id,
        "mac": seal.mac,
        "events": list(rows),
    }


def pages_of_heads() -> Iterator[list[dict[str, object]]]:
    heads = heads_of(ChainHead.objects.all())
    for start in range(0, len(heads), HEADS):
        yield heads[start : start + HEADS]


def send(data: dict[str, Any]) -> None:
    """Raises `NotExported`, and what the file or the network raises."""
    body = json.dumps(data, separators=(",", ":"), default=encode)
    if CONFIGURATION.export_dir:
        append_line(CONFIGURATION.export_dir, body)
    if CONFIGURATION.export_url:
        post(body)


def encode(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def append_line(folder: Path, line: str) -> None:
    """To the file of the day, which only the user that we run as can read."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"audit-{clock.now():%Y-%m-%d}.jsonl"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    with os.fdopen(os.open(path, flags, READABLE_BY_US), "a") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())


def post(body: str) -> None:
    """Signed as https://www.standardwebhooks.com."""
    message_id, now = f"audit_{uuid4().hex}", clock.now()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(CONFIGURATION.export_secret).sign(message_id, now, body),
    }
    answer = http.post(
        CONFIGURATION.export_url, content=body.encode(), headers=headers, provider=False
    )
    if not answer.ok:
        raise NotExported(f"The receiver of the audit log answered {answer.status}.")
