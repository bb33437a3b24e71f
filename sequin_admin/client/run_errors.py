"""Exceptions of runs, and what a run that failed with an exception reports."""

import re
from typing import Any

from sequin_admin.client.errors import Broken, SequinError, TryLater

CODE_CHARS, MESSAGE_CHARS = 60, 1000
# Packages whose exceptions come from the target.
TARGET_PACKAGES = {"psycopg", "psycopg2", "asyncpg", "pg8000", "sqlalchemy"}


class RunLost(SequinError):
    """The run is no longer this worker's: write nothing more."""


class RunCancelled(SequinError):
    """A person wants this run to end. Leave its block."""


class RunPaused(RunCancelled):
    """A person has paused the sync. Leave the block of the run."""


class RunFailed(SequinError):
    """Raise it to say who must act. `owner` is customer, operator or nobody, `of` says on which
    side it is: source or target. The message is for people and holds no record's content."""

    def __init__(
        self, message: str, *, owner: str = "operator", code: str = "failed", of: str = "source"
    ) -> None:
        super().__init__(message)
        self.owner, self.code, self.of = owner, code, of


def describe(error: BaseException) -> dict[str, Any]:
    """The `error` of a report. Of any other exception the first line, as further ones often quote
    records."""
    if isinstance(error, RunFailed):
        return described(error.owner, error.code, str(error), error.of)
    if isinstance(error, Broken):
        # The credential's own health says who must act.
        return described("nobody", "credential_broken", str(error))
    if isinstance(error, TryLater):
        return described("nobody", "try_later", str(error))
    of = "target" if type(error).__module__.partition(".")[0] in TARGET_PACKAGES else "source"
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
    lines = str(error).strip().splitlines()
    return described("operator", name, lines[0] if lines else f"{type(error).__name__}.", of)


def described(owner: str, code: str, message: str, of: str = "source") -> dict[str, Any]:
    return {
        "owner": owner,
        "code": code[:CODE_CHARS] or "failed",
        "message": message.replace("\0", "").strip()[:MESSAGE_CHARS] or "It failed.",
        "of": of,
    }
