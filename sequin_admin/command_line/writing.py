"""Writes files atomically, readable for the owner only."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sequin_admin.command_line.endings import Misused

# Stands for standard input or output in the place of a file.
STREAM = "-"


def new(file: Path) -> Path:
    """Raises `Misused` for a file that exists or can't be created."""
    if file.exists():
        raise Misused(f"{file} is there already. Choose another name.")
    if not os.access(file.parent, os.W_OK):
        raise Misused(f"Nothing can be written in {file.parent}.")
    return file


@contextmanager
def opened(file: Path | None) -> Iterator[BinaryIO]:
    """A stream to `file`, which gets its name once all is written; stdout for None."""
    if file is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            yield out
        draft.rename(file)
    finally:
        draft.unlink(missing_ok=True)
