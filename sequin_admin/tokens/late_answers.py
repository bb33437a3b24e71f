"""Answers of token endpoints that come while the database is away.

The provider may have replaced the refresh token, and its answer has the only copy of the new one.
So whoever asked gets the database's error at once, and a thread of this process goes on storing.
"""

import threading
import time
from collections.abc import Callable

import structlog
from django.db import InterfaceError, OperationalError, connections

from sequin_admin.core import shutdown
from sequin_admin.credentials.outcomes import Refused

log = structlog.get_logger(__name__)
RETRY_S = 0.5
LONGEST_S = 900


def store_answer(store: Callable[[], object]) -> None:
    """Call `store`, which writes an answer under its lease. Raises what it raises; after an error
    of the database it is called again until it has succeeded, its lease is lost, or `LONGEST_S`
    seconds have passed."""
    try:
        store()
    except (OperationalError, InterfaceError):
        # No daemon: a process that is asked to stop waits for it.
        threading.Thread(target=store_later, args=(store,), name="late answer").start()
        raise


def store_later(store: Callable[[], object]) -> None:
    log.warning("a provider's answer waits for the database")
    ends, stopping = time.monotonic() + LONGEST_S, False
    while time.monotonic() < ends:
        time.sleep(RETRY_S)
        if shutdown.is_requested() and not stopping:
            ends, stopping = min(ends, time.monotonic() + shutdown.GRACE_S), True
        try:
            store()
        except (OperationalError, InterfaceError):
            continue
        except Refused:
            log.warning("a provider's answer was not stored: its lease was taken over")
            return
        finally:
            connections.close_all()
        log.info("a provider's answer was stored late")
        return
    log.error("a provider's answer is lost: the database stayed away")
