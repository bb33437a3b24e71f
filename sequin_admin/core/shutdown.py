"""Stopping a process: calls under way may end, and no renewal of a token begins any more.

A provider may already have replaced a refresh token while its answer is under way: a process that
is killed then has lost the only copy.
"""

from sequin_admin.core.env import env

# Deadline of one call to a token endpoint, in seconds.
TOKEN_DEADLINE_S = env.float("TOKEN_DEADLINE_S", default=20.0)
# A renewal makes up to two calls, and writes what it got.
GRACE_S = 2 * TOKEN_DEADLINE_S + 10
# When whoever started a process kills it: ending takes some seconds on a busy machine.
KILL_AFTER_S = GRACE_S + 5

_requested = False


def request(*args: object) -> None:
    """A signal handler: the process is to end."""
    global _requested
    _requested = True


def is_requested() -> bool:
    return _requested
