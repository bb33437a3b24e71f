"""Keeps the directory of this machine's files to the user that we run as."""

from contextlib import suppress
from pathlib import Path
from stat import S_IMODE

OTHERS, GROUP_AND_OTHERS = 0o007, 0o077


def protect_directory(path: Path) -> None:
    """Take a directory from group and others, if it exists.

    Raises `SystemExit` with a sentence if others can still use it, as its files hold data.
    """
    if not path.is_dir() or not mode_of(path) & GROUP_AND_OTHERS:
        return
    # One that belongs to somebody else is fine if only a group shares it.
    with suppress(OSError):
        path.chmod(mode_of(path) & ~GROUP_AND_OTHERS)
    if mode_of(path) & OTHERS:
        raise SystemExit(
            f"Every user of this machine can open {path}, which holds our data, and we can't "
            f"change that. Make it private as its owner (chmod 700 {path}), or set DATA_DIR to a "
            "directory of the user that runs Sequin Admin."
        )


def mode_of(path: Path) -> int:
    return S_IMODE(path.stat().st_mode)
