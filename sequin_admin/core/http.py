"""The HTTP client for all outgoing calls.

One deadline per call, no redirects, responses of at most 2 MB after decompression, no private
addresses and, when `SIMULATOR_URL` is set, the simulator in place of a provider's host.
"""

import json as jsonlib
import re
import ssl
import time
import zlib
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import httpx2
from django.conf import settings

from sequin_admin.core.addresses import Forbidden as Forbidden
from sequin_admin.core.addresses import UnknownHost as UnknownHost
from sequin_admin.core.addresses import Unreachable as Unreachable
from sequin_admin.core.addresses import is_public as is_public
from sequin_admin.core.addresses import resolve_addresses as resolve_addresses

MAX_BYTES = 2_000_000
DEADLINE_S = 10.0
_HEADERS = {
    "User-Agent": "sequin-admin",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}
_ZLIB_OR_GZIP = zlib.MAX_WBITS | 32


@dataclass(frozen=True)
class Response:
    """An HTTP response: `status`, `headers` by lower-case name, `body` in bytes."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; None when it is not JSON (an HTML page, an empty body)."""
        try:
            return jsonlib.loads(self.body)
        except ValueError:
            return None

    def data(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is anything else."""
        value = self.json()
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


def rewrite_url(url: str, *, provider: bool = True) -> str:
    """The URL to call instead of `url`: the simulator's `/<host>/<path>` when one is set."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    base = settings.PROVIDER_BASE_URLS.get(host)
    if base is None and settings.SIMULATOR_URL and provider:
        base = f"{settings.SIMULATOR_URL.rstrip('/')}/{host}"
    if base is None:
        return url
    rest = url.split(parts.netloc, 1)[1]
    return f"{base.rstrip('/')}{rest}"


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
) -> Response:
    """Call `url` once. Raises `Unreachable` when no complete response came within `deadline_s`.

    `provider=False` is for addresses that a user entered: the simulator does not replace them.
    """
    sent = {**_HEADERS, **(headers or {})}
    if bearer is not None:
        sent["Authorization"] = f"Bearer {bearer}"
    host = urlsplit(url).hostname
    _deadline.set(time.monotonic() + deadline_s)
    try:
        with _client().stream(
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
            return Response(answer.status_code, lowered, body)
    except httpx2.TimeoutException:
        raise Unreachable(f"{host} did not answer within {deadline_s:g} seconds.") from None
    except httpx2.InvalidURL:
        raise Forbidden(f"{host} is not an address we can call.") from None
    except httpx2.HTTPError as error:
        raise Unreachable(f"{host} could not be reached ({type(error).__name__}).") from None


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
    if headers.get("content-encoding", "identity") == "identity":
        return body
    try:
        plain = zlib.decompressobj(_ZLIB_OR_GZIP).decompress(body, MAX_BYTES + 1)
    except zlib.error:
        raise Unreachable(f"{host} sent an answer in an encoding we did not ask for.") from None
    if len(plain) > MAX_BYTES:
        raise Unreachable(f"{host} answered with more than {MAX_BYTES // 1_000_000} MB.")
    return plain


@cache
def _client() -> httpx2.Client:
    return httpx2.Client(transport=GuardedTransport(), follow_redirects=False)


# Deadline of the current call, on the monotonic clock.
_deadline: ContextVar[float] = ContextVar("ends")


def _remaining_s(timeout: float | None) -> float:
    """Seconds until the call's deadline, which received bytes do not extend."""
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout
    return min(left, timeout or left)


class PublicNetworkBackend(httpcore2.SyncBackend):
    """Connects to public addresses only, and to exactly the address that was checked."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        address = vetted_address(host, port)
        return DeadlineStream(
            super().connect_tcp(address, port, _remaining_s(timeout), local_address, socket_options)
        )


class DeadlineStream(httpcore2.NetworkStream):
    """A stream whose reads and writes share the call's deadline."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
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
    """httpx's transport with our backend: one DNS lookup per connection (no DNS rebinding)."""

    def __init__(self) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(), network_backend=PublicNetworkBackend()
        )


def vetted_address(host: str, port: int) -> str:
    """An address of `host` that may be called. Raises `Forbidden` when one of them is private."""
    addresses = resolve_addresses(host, port)
    if (host, port) in _trusted() or all(is_public(ip_address(a)) for a in addresses):
        return addresses[0]
    raise Forbidden(
        f"{host} is not a public address. We only call addresses on the public internet."
    )


def _trusted() -> set[tuple[str, int]]:
    """Hosts and ports exempt from the address check: the simulator, the operator's base URLs."""
    bases = [settings.SIMULATOR_URL, *settings.PROVIDER_BASE_URLS.values()]
    parts = [urlsplit(base) for base in bases if base]
    return {(p.hostname or "", p.port or {"http": 80}.get(p.scheme, 443)) for p in parts}


# Formats of the providers' secrets, and values whose name says token, secret or the like.
_SECRET_PATTERNS = re.compile(
    r"gh[sur]_\w+|sh(?:pat|pca|ppa|prt|pss)_\w+|(?:sk|rk)_(?:live|test)_\w+|whsec_\w+|\b(?:rt|ac)_\w{8,}"
    r"|SG\.[\w-]+\.[\w-]+|lin_(?:oauth|api)_\w+|\b(?:pat|oaa)[\w.]{14,}|00D\w{12,}![\w.]+"
    r"|eyJ[\w-]+\.[\w-]+(?:\.[\w-]+)?"
)
_SECRET_NAMES = re.compile(
    r'("?(?:\w*token|\w*secret|password|api_key|private_key|code|assertion|authorization)"?\s*[:=]\s*"?)'
    r'([^"&\s,}]+)',
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """`text` with whatever looks like a secret replaced by asterisks."""
    return _SECRET_NAMES.sub(r"\1***********", _SECRET_PATTERNS.sub("***********", text))
