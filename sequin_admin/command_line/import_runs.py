"""Remembers a run of an import until it is done, so that one that was cut off goes on.

Each request of a run has a key by its contents: the server answers one that it has done already
with the same answer as before, and does nothing twice.
"""

import hashlib
import json
import os
import time
import uuid
from contextlib import suppress
from pathlib import Path

from sequin_admin.command_line import settings

# Half of what the server remembers a key for.
LIFE_S = 12 * 3600


class ImportRun:
    """The run of a file's import. Holds nothing of the file but a digest."""

    def __init__(self, data: bytes) -> None:
        digest = hashlib.sha256(data).hexdigest()
        self.path: Path = settings.path().parent / "imports" / digest
        self.id = self.resumed() or uuid.uuid4()

    def resumed(self) -> uuid.UUID | None:
        try:
            if time.time() - self.path.stat().st_mtime > LIFE_S:
                return None
            return uuid.UUID(self.path.read_text())
        except (OSError, ValueError):
            return None

    def begin(self) -> None:
        """Without a place to remember it, a repetition imports all again, which changes nothing."""
        with suppress(OSError):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(
                os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w"
            ) as file:
                file.write(str(self.id))

    def end(self) -> None:
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def key_of(self, body: object) -> str:
        """The idempotency key of one request."""
        return str(uuid.uuid5(self.id, json.dumps(body, sort_keys=True)))
