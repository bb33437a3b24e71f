"""The one door to the network.

Every call leaves here: deadlines, no redirects, an answer of at most 2 MB after decompression, no
private addresses, and, where `SIMULATOR_URL` is set, the simulator in place of a provider's host.
"""

import json as jsonlib
import re
import socket
import ssl
import time
import zlib
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import httpx2
from django.conf import settings

MAX_BYTES = 2_000_000
DEADLINE_S = 10.0
_HEADERS = {
    "User-Agent": "sequin-admin",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}
_ZLIB_OR_GZIP = zlib.MAX_WBITS | 32


class Unreachable(Exception):
    """The provider gave no usable answer. Says why in a sentence; by itself nobody's fault."""


class UnknownHost(Unreachable):
    """There is no such host: DNS knows the name and says so."""


class Forbidden(Unreachable):
    """The address is one we must not call: not public, or not http(s)."""


@dataclass(frozen=True)
class Response:
    """A provider's answer: `status`, lower-case `headers`, `body` in bytes."""

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
        """The body as JSON, or None when it isn't (an HTML page, an empty body)."""
        try:
            return jsonlib.loads(self.body)
        except ValueError:
            return None

    def data(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is anything else."""
        value = self.json()
        return value if isinstance(value, dict) else {}

    def dig(self, *path: str | int) -> Any:
        """The JSON value at `path` of keys and list positions; None where the path breaks off."""
        value = self.json()
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value


def rewrite(url: str, *, provider: bool = True) -> str:
    """Where `url` is really called: the simulator's `/<host>/<path>` when one is set."""
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
    """Call `url` once. Raises `Unreachable` when no complete answer came within `deadline_s`.

    The simulator stands for providers only, not for an address that somebody entered.
    """
    sent = {**_HEADERS, **(headers or {})}
    if bearer is not None:
        sent["Authorization"] = f"Bearer {bearer}"
    host = urlsplit(url).hostname
    _ends.set(time.monotonic() + deadline_s)
    try:
        with _client().stream(
            method,
            rewrite(url, provider=provider),
            timeout=deadline_s,
            # A secret may hold any letter. Whether it is right, the provider must say.
            headers={name.encode(): value.encode() for name, value in sent.items()},
            auth=httpx2.BasicAuth(*basic) if basic else None,
            params=params,
            data=dict(form) if form is not None else None,
            json=json,
            content=content,
        ) as answer:
            body = _decoded(_read(answer, host), answer.headers, host)
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


def _read(answer: httpx2.Response, host: str | None) -> bytes:
    chunks, size = [], 0
    for chunk in answer.iter_raw():
        size += len(chunk)
        if size > MAX_BYTES:
            raise Unreachable(f"{host} answered with more than {MAX_BYTES // 1_000_000} MB.")
        chunks.append(chunk)
    return b"".join(chunks)


def _decoded(body: bytes, headers: httpx2.Headers, host: str | None) -> bytes:
    """We ask for no compression; who compresses all the same gets the same size limit."""
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


# When the call that this thread is making must be over, on the monotonic clock.
_ends: ContextVar[float] = ContextVar("ends")


def _left(timeout: float | None) -> float:
    """Seconds until the call's deadline, which a trickle of bytes does not move."""
    left = _ends.get() - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout
    return min(left, timeout or left)


class PublicOnly(httpcore2.SyncBackend):
    """Connects to public addresses only, and to the very address that was checked."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        address = vetted_address(host, port)
        return OnTime(
            super().connect_tcp(address, port, _left(timeout), local_address, socket_options)
        )


class OnTime(httpcore2.NetworkStream):
    """A stream whose reads and writes all share the call's one deadline."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, context: ssl.SSLContext, hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return OnTime(self._stream.start_tls(context, hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class GuardedTransport(httpx2.HTTPTransport):
    """httpx's transport with our connector: DNS is asked once, so its answer can't change later."""

    def __init__(self) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(), network_backend=PublicOnly()
        )


def vetted_address(host: str, port: int) -> str:
    """One address of `host` that may be called. Raises `Forbidden` when any of them is private."""
    addresses = addresses_of(host, port)
    if (host, port) in _trusted() or all(is_public(ip_address(a)) for a in addresses):
        return addresses[0]
    raise Forbidden(
        f"{host} is not a public address. We only call addresses on the public internet."
    )


def addresses_of(host: str, port: int) -> list[str]:
    """What DNS says. Raises `UnknownHost` when it knows no such host."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
            raise UnknownHost(f"There is no host named {host}.") from None
        raise Unreachable(f"The address of {host} could not be found: DNS fails.") from None
    except UnicodeError:
        raise UnknownHost(f"{host} is no name that a host can have.") from None
    return sorted(str(address) for address in found)


# IPv6 networks whose addresses stand for IPv4 ones: 6to4 (RFC 3056) and NAT64 (RFC 6052).
_STANDS_FOR_IPV4 = {ip_network("2002::/16"): 80, ip_network("64:ff9b::/96"): 0}


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether a provider may be there; an address that stands for another one is judged by that."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        for network, shift in _STANDS_FOR_IPV4.items():
            if address in network:
                return is_public(IPv4Address(int(address) >> shift & 0xFFFFFFFF))
        if address.is_site_local or address.is_reserved:
            return False
    return address.is_global and not address.is_multicast


def _trusted() -> set[tuple[str, int]]:
    """Where we may call whatever the address: the simulator and bases set by the operator."""
    bases = [settings.SIMULATOR_URL, *settings.PROVIDER_BASE_URLS.values()]
    parts = [urlsplit(base) for base in bases if base]
    return {(p.hostname or "", p.port or {"http": 80}.get(p.scheme, 443)) for p in parts}


# Shapes of secrets as listed in shared/providers.md 0.3, and anything called a token or secret.
_SECRET_SHAPES = re.compile(
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
    """`text` with everything that looks like a secret replaced by asterisks."""
    return _SECRET_NAMES.sub(r"\1***********", _SECRET_SHAPES.sub("***********", text))
