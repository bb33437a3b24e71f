"""Settings of gunicorn for the simulator with TLS: each name has its certificate."""

import os
import ssl
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

from sequin_admin.simulator.tls.authority import Authority

LOCAL = "127.0.0.1"


def choose_context(
    contexts: Callable[[str], ssl.SSLContext],
    connection: ssl.SSLObject | ssl.SSLSocket,
    name: str | None,
    context: ssl.SSLContext,
) -> int | None:
    """Refuse a name that no simulated provider has. Without one, the address has a certificate."""
    from sequin_admin.simulator.framework import knows_host

    if name is None:
        return None
    if not knows_host(name.lower()):
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    connection.context = contexts(name.lower())
    return None


def ssl_context(config: object, default_factory: object) -> ssl.SSLContext:
    return server_context()


@lru_cache(maxsize=1)
def server_context() -> ssl.SSLContext:
    authority = Authority(Path(os.environ["SIMULATOR_TLS_FOLDER"]))
    context = authority.context(LOCAL)
    contexts = lru_cache(maxsize=1000)(authority.context)
    context.sni_callback = partial(choose_context, contexts)
    return context
