"""A file that is there whole or not at all, and that nobody else may read."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sequin_admin.command_line.endings import Misused


def new(file: Path) -> Path:
    """Raises `Misused` for a file that is there, or can't be made."""
    if file.exists():
        raise Misused(f"{file} is there already. Choose another name.")
    if not os.access(file.parent, os.W_OK):
        raise Misused(f"Nothing can be written in {file.parent}.")
    return file


@contextmanager
def opened(file: Path | None) -> Iterator[BinaryIO]:
    """`file`, under its name only once all is written; or stdout."""
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
