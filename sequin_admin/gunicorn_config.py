"""Settings of gunicorn that depend on ours. Those that don't are options of its command."""

import sys
from math import ceil
from typing import TYPE_CHECKING, Any
from wsgiref.types import WSGIEnvironment

from gunicorn.glogging import Logger
from gunicorn.http.message import Request
from gunicorn.http.wsgi import Response

from sequin_admin.core import shutdown
from sequin_admin.core.logs import mask_tokens
from sequin_admin.core.long_answers import WHOLE_SIZE, target_of

if TYPE_CHECKING:
    from sequin_admin.gunicorn_worker import BufferingWorker

# A web process renews tokens too, when a reader asks.
graceful_timeout = ceil(shutdown.GRACE_S)
# Nobody manages gunicorn through a socket in the home folder, and a read-only system has none.
control_socket_disable = True
# After so many seconds a thread that computes lets another one go on. A request waits for that
# after each answer of the database and of Redis: with Python's 5 ms a read waits long beside lists.
SWITCH_S = 0.0005


class MaskingLogger(Logger):  # type: ignore[misc]
    """Gunicorn's logger; where an access log is switched on, addresses are in it without tokens."""

    def atoms(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        atoms = super().atoms(*args, **kwargs)
        texts = ((name, value) for name, value in atoms.items() if isinstance(value, str))
        return {**atoms, **{name: mask_tokens(value) for name, value in texts}}


logger_class = MaskingLogger


def post_worker_init(worker: Any) -> None:
    """Django is set up in the worker processes only, so it is imported here. The simulator, which
    runs with these settings too, has no metrics."""
    sys.setswitchinterval(SWITCH_S)
    from django.apps import apps

    if not apps.is_installed("sequin_admin.gateway"):
        return
    from sequin_admin.core import tracing
    from sequin_admin.gateway.background import Background

    tracing.start("web")
    worker.background = Background()
    worker.background.start()


def post_request(
    worker: "BufferingWorker", request: Request, environ: WSGIEnvironment, response: Response | None
) -> None:
    # What is refused says nothing of those that are not.
    if response and response.status_code in {200, 304}:
        size = environ.get(WHOLE_SIZE, response.sent)
        worker.long_answers.record(target_of(request.method, request.path), size)


def worker_exit(server: Any, worker: Any) -> None:
    """Not all of them came so far as to have one."""
    background = getattr(worker, "background", None)
    if background:
        background.stop()
    from sequin_admin.core import tracing

    tracing.close()
