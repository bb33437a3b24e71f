"""The HTTP client for all outgoing calls.

One deadline per call, no redirects, responses of at most 2 MB after decompression, no private
addresses (`destinations`) and, when `SIMULATOR_URL` is set, the simulator in place of a provider's
host.
"""

import json as jsonlib
import re
import ssl
import time
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache, cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpcore2
import httpx2
from django.conf import settings

from sequin_admin.core import clock
from sequin_admin.core.destinations import EVERYWHERE, AddressPolicy, in_turn
from sequin_admin.core.destinations import Forbidden as Forbidden
from sequin_admin.core.destinations import UnknownHost as UnknownHost
from sequin_admin.core.destinations import Unreachable as Unreachable
from sequin_admin.core.fields import Secrets
from sequin_admin.core.redaction import redact, sent_secrets
from sequin_admin.core.strict_json import storable, storable_text

MAX_BYTES = 2_000_000
DEADLINE_S = 10.0
_HEADERS = {
    "User-Agent": "sequin-admin",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}
_ZLIB_OR_GZIP = zlib.MAX_WBITS | 32
# The registered codings of a body (RFC 9110 section 8.4.1). Other labels stand for none.
_CODINGS = {"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"}
# A form-encoded body and nothing else: neither spaces nor markup.
_FORM = re.compile(r"[\w.~%+-]+=[^\s<>&]*(&[\w.~%+-]+=[^\s<>&]*)*")


@dataclass(frozen=True)
class Response:
    """An HTTP response: `status`, `headers` by lower-case name, `body` in bytes.

    `sent` are the secrets in the request: a server may repeat them in its response.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    sent: tuple[str, ...] = field(default=(), repr=False, compare=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as Unicode text, as JSON must be; else as Latin-1, which older servers send.

        What can't be stored is replaced.
        """
        try:
            text = self.body.decode(jsonlib.detect_encoding(self.body))
        except UnicodeDecodeError:
            text = self.body.decode("latin-1")
        return storable_text(text)

    def excerpt(self, chars: int) -> str:
        """The start of the body without secrets, for people."""
        return redact(self.text[: 2 * chars], self.sent)[:chars]

    @property
    def retry_after_s(self) -> float | None:
        """Seconds to wait by `Retry-After` (RFC 9110 section 10.2.3): a delay, or a date, which
        counts from the response's own `Date`."""
        text = self.headers.get("retry-after", "").strip()
        if re.fullmatch(r"[0-9]{1,12}(\.[0-9]*)?", text):
            return float(text)
        at, now = read_date(text), read_date(self.headers.get("date", ""))
        return max((at - (now or clock.now())).total_seconds(), 0) if at else None

    def json(self) -> Any:
        """The body as JSON that can be stored; None when it is not JSON (an HTML page, an empty
        body) or nested too deeply."""
        return self._value

    @cached_property
    def _value(self) -> Any:
        try:
            return storable(jsonlib.loads(self.text))
        except (ValueError, RecursionError):
            return None

    def data(self) -> dict[str, Any]:
        """The body as a JSON object, or the fields of a form-encoded body, in which some servers
        send errors; empty when it is anything else."""
        value = self.json()
        if value is None and _FORM.fullmatch(text := self.text.strip()):
            return dict(parse_qsl(text))
        return value if isinstance(value, dict) else {}

    def dig(self, *path: str | int) -> Any:
        """The JSON value at `path` of keys and list indexes; None when there is none."""
        value = self.json()
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value


def read_date(text: str) -> datetime | None:
    """The time of an HTTP date; None for anything else."""
    try:
        at = parsedate_to_datetime(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def rewrite_url(url: str, *, provider: bool = True) -> str:
    """The URL to call instead of `url`, if a setting names another base for its host."""
    parts = urlsplit(url)
    base = base_url(parts.hostname or "", provider=provider)
    if base is None:
        return url
    rest = url.split(parts.netloc, 1)[1]
    return f"{base.rstrip('/')}{rest}"


def base_url(host: str, *, provider: bool) -> str | None:
    """The base URL that the operator named for the host; the simulator's when one is set.

    The simulator stands in for providers only, not for an address that a user entered.
    """
    named: dict[str, str] = settings.PROVIDER_BASE_URLS if provider else settings.WEBHOOK_BASE_URLS
    if host in named or not provider or not settings.SIMULATOR_URL:
        return named.get(host)
    return f"{settings.SIMULATOR_URL.rstrip('/')}/{host}"


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    bearer: str | None = None,
    basic: tuple[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    json: Any = None,
    content: bytes | None = None,
    deadline_s: float = DEADLINE_S,
    provider: bool = True,
    secrets: Iterable[str] = (),
) -> Response:
    """Call `url` once. Raises `Unreachable` when no complete response came within `deadline_s`.

    `provider=False` is for addresses that a user entered: the simulator does not replace them.
    `secrets` are those in `content`; the others are recognized by where they are sent.
    """
    sent = Secrets({**_HEADERS, **(headers or {})})
    if bearer is not None:
        sent["Authorization"] = f"Bearer {bearer}"
    fields = (sent, params or {}, form or {}, json if isinstance(json, Mapping) else {})
    known = (*secrets, *(basic or ()), *(s for part in fields for s in sent_secrets(part)))
    host = urlsplit(url).hostname
    named = base_url(host or "", provider=provider) is not None
    client = _client(provider, named)
    _deadline.set(time.monotonic() + deadline_s)
    _read_late.set(False)
    try:
        with client.stream(
            method,
            rewrite_url(url, provider=provider),
            timeout=deadline_s,
            # As UTF-8: httpx refuses non-ASCII text, but a secret may contain any character.
            headers={name.encode(): value.encode() for name, value in sent.items()},
            auth=httpx2.BasicAuth(*basic) if basic else None,
            params=params,
            data=dict(form) if form is not None else None,
            json=json,
            content=content,
        ) as answer:
            body = _decode_body(_read_body(answer, host), answer.headers, host)
            lowered = {name.lower(): value for name, value in answer.headers.items()}
            response = Response(answer.status_code, lowered, body, known)
            _last_response.get().append(response)
            return response
    except httpx2.TimeoutException:
        raise Unreachable(f"{host} did not answer within {deadline_s:g} seconds.") from None
    except httpx2.InvalidURL:
        raise Forbidden(f"{host} is not an address we can call.") from None
    except httpx2.HTTPError as error:
        raise Unreachable(f"{host} could not be reached ({type(error).__name__}).") from None


@contextmanager
def last_response() -> Iterator[deque[Response]]:
    """The newest response to the calls made within, once there is one."""
    outer, newest = _last_response.get(), deque[Response](maxlen=1)
    token = _last_response.set(newest)
    try:
        yield newest
    finally:
        _last_response.reset(token)
        outer.extend(newest)


def get(url: str, **options: Any) -> Response:
    return request("GET", url, **options)


def post(url: str, **options: Any) -> Response:
    return request("POST", url, **options)


def _read_body(answer: httpx2.Response, host: str | None) -> bytes:
    chunks, size = [], 0
    for chunk in answer.iter_raw():
        size += len(chunk)
        if size > MAX_BYTES:
            raise Unreachable(f"{host} answered with more than {MAX_BYTES // 1_000_000} MB.")
        chunks.append(chunk)
    return b"".join(chunks)


def _decode_body(body: bytes, headers: httpx2.Headers, host: str | None) -> bytes:
    """The plain body. We ask for no compression; some servers compress all the same."""
    labels = headers.get("content-encoding", "").lower().split(",")
    if _CODINGS.isdisjoint(label.strip() for label in labels):
        return body
    try:
        plain = zlib.decompressobj(_ZLIB_OR_GZIP).decompress(body, MAX_BYTES + 1)
    except zlib.error:
        raise Unreachable(f"{host} sent an answer in an encoding we did not ask for.") from None
    if len(plain) > MAX_BYTES:
        raise Unreachable(f"{host} answered with more than {MAX_BYTES // 1_000_000} MB.")
    return plain


@cache
def _client(provider: bool, named: bool) -> httpx2.Client:
    """One client for each policy, so that none reuses a connection that another may not open."""
    return httpx2.Client(transport=GuardedTransport(provider, named), follow_redirects=False)


# Deadline of the current call, on the monotonic clock.
_deadline: ContextVar[float] = ContextVar("ends")
# The current call has read once more after its deadline.
_read_late: ContextVar[bool] = ContextVar("late")
# For what has arrived while this process was stopped or starved.
LATE_READ_S = 0.1
# Outside `last_response()` nothing is kept.
_last_response: ContextVar[deque[Response]] = ContextVar("last", default=deque(maxlen=0))  # noqa: B039


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
        self, context: ssl.SSLContext, hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return DeadlineStream(self._stream.start_tls(context, hostname, _remaining_s(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class GuardedTransport(httpx2.HTTPTransport):
    """httpx's transport with our backend."""

    def __init__(self, provider: bool, named: bool) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(),
            network_backend=VettedNetworkBackend(provider, named),
        )


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


_PORTS = {"http": 80, "https": 443, "redis": 6379, "rediss": 6379}


def own_services() -> list[tuple[str, int]]:
    """Host and port of our database, Redis, web and simulator."""
    found = [("localhost", settings.PORT)]
    for url in (settings.PUBLIC_URL, settings.SIMULATOR_URL, settings.REDIS_URL):
        parts = urlsplit(url)
        if parts.hostname and parts.scheme in _PORTS:
            found.append((parts.hostname, parts.port or _PORTS[parts.scheme]))
    for database in settings.DATABASES.values():
        if "postgresql" in database["ENGINE"]:
            # Behind the socket in a folder there may be a port too.
            hosts = ["" if h.startswith("/") else h for h in str(database["HOST"]).split(",")]
            ports = str(database["PORT"] or 5432).split(",")
            found += [(host or "localhost", int(port)) for host in hosts for port in ports]
    return found
