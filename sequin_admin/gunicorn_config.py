"""Settings of gunicorn that depend on ours. Those that don't are options of its command."""

from math import ceil
from typing import Any

from sequin_admin.core import shutdown

# A web process renews tokens too, when a reader asks.
graceful_timeout = ceil(shutdown.GRACE_S)


def post_worker_init(worker: Any) -> None:
    """Django is set up in the worker processes only, so it is imported here. The simulator, which
    runs with these settings too, has no metrics."""
    from django.apps import apps

    if not apps.is_installed("sequin_admin.gateway"):
        return
    from sequin_admin.gateway.background import Background

    worker.background = Background()
    worker.background.start()


def worker_exit(server: Any, worker: Any) -> None:
    """Not all of them came so far as to have one."""
    background = getattr(worker, "background", None)
    if background:
        background.stop()
