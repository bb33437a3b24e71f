"""Connections of the HTTP client: to vetted addresses only, with one deadline for a whole call."""

import ssl
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import httpx2
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from sequin_admin.core.destinations import EVERYWHERE, AddressPolicy, in_turn
from sequin_admin.core.env import env
from sequin_admin.core.redis_urls import parse_redis_url

DEADLINE_S = 10.0
# Deadline of the current call, on the monotonic clock.
_deadline: ContextVar[float] = ContextVar("ends")
# The current call has read once more after its deadline.
_read_late: ContextVar[bool] = ContextVar("late")
# For what has arrived while this process was stopped or starved.
LATE_READ_S = 0.1
# How long a connection waits for its next call. A router on the way forgets one that rests for some
# minutes, and says so to neither side: the next call would get no answer.
IDLE_S = 5.0


def begin_call(deadline_s: float) -> None:
    """Let the calls of this thread end `deadline_s` from now."""
    _deadline.set(time.monotonic() + deadline_s)
    _read_late.set(False)


def _remaining_s(timeout: float | None) -> float:
    """Seconds until the call's deadline, which received bytes do not extend."""
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout
    return min(left, timeout or left)


class VettedNetworkBackend(httpcore2.SyncBackend):
    """Connects to exactly the addresses that were checked, one after the other."""

    def __init__(self, provider: bool, named: bool) -> None:
        self._provider, self._named = provider, named

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect within the call's deadline. Raises what httpcore raises, and `Unreachable`."""
        ends = time.monotonic() + _remaining_s(timeout)
        policy = address_policy(provider=self._provider, named=self._named)
        failed: httpcore2.NetworkError | httpcore2.TimeoutException = httpcore2.ConnectTimeout()
        for address, seconds in in_turn(policy.vetted_addresses(host, port, ends), ends):
            if seconds <= 0:
                break
            try:
                return DeadlineStream(
                    super().connect_tcp(address, port, seconds, local_address, socket_options)
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        raise failed


class DeadlineStream(httpcore2.NetworkStream):
    """A stream whose reads and writes share the call's deadline.

    A process that was stopped or starved past the deadline reads once more: the response may be
    here, and with it a refresh token that the provider issues only once.
    """

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if _deadline.get() <= time.monotonic() and not _read_late.get():
            _deadline.set(time.monotonic() + LATE_READ_S)
            _read_late.set(True)
        return self._stream.read(max_bytes, _remaining_s(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _remaining_s(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _remaining_s(timeout))
        return DeadlineStream(stream)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class GuardedTransport(httpx2.HTTPTransport):
    """httpx's transport with our backend."""

    def __init__(self, provider: bool, named: bool) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=trusting_context(),
            # As many as there are threads: no call waits for those of a provider that hangs.
            max_connections=None,
            keepalive_expiry=IDLE_S,
            network_backend=VettedNetworkBackend(provider, named),
        )


def trusting_context() -> ssl.SSLContext:
    """Trusts the certificates in `SSL_CERT_FILE`; without it, the system's.

    Raises `ImproperlyConfigured` for a file without any.
    """
    try:
        return httpx2.create_ssl_context()
    except OSError:  # ssl.SSLError is one
        path = env.str("SSL_CERT_FILE")
        raise ImproperlyConfigured(
            f"SSL_CERT_FILE names {path}, which holds no certificate that can "
            "be read here. Name a file in PEM: it stands in for the system's, so put the public "
            "authorities in too."
        ) from None


def vetted_addresses(
    host: str, port: int, *, provider: bool = True, deadline_s: float = DEADLINE_S
) -> list[str]:
    """The addresses of `host` that may be called, in order. Raises `Unreachable`."""
    policy = address_policy(provider=provider, named=False)
    return policy.vetted_addresses(host, port, time.monotonic() + deadline_s)


def address_policy(*, provider: bool, named: bool) -> AddressPolicy:
    """`named`: the operator has named the base URL in a setting, so it may be private."""
    networks = EVERYWHERE if named else ()
    if provider:
        return AddressPolicy(networks)
    remedy = "A webhook reaches a private one only where WEBHOOK_BASE_URLS names its host."
    return AddressPolicy(networks, own_services(), remedy)


_PORTS = {"http": 80, "https": 443}


def own_services() -> list[tuple[str, int]]:
    """Host and port of our database, Redis, web and simulator."""
    found = [("localhost", settings.PORT)]
    for url in (settings.PUBLIC_URL, settings.SIMULATOR_URL):
        parts = urlsplit(url)
        if parts.hostname and parts.scheme in _PORTS:
            found.append((parts.hostname, parts.port or _PORTS[parts.scheme]))
    if settings.REDIS_URL and not settings.REDIS_URL.startswith("unix://"):
        found += parse_redis_url(settings.REDIS_URL).nodes
    for database in settings.DATABASES.values():
        if "postgresql" in database["ENGINE"]:
            # Behind the socket in a folder there may be a port too.
            hosts = ["" if h.startswith("/") else h for h in str(database["HOST"]).split(",")]
            ports = str(database["PORT"] or 5432).split(",")
            found += [(host or "localhost", int(port)) for host in hosts for port in ports]
    return found
