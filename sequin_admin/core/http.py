"""The HTTP client for all outgoing calls.

One deadline per call, no redirects, responses of at most 2 MB after decompression, no private
addresses (`destinations`) and, when `SIMULATOR_URL` is set, the simulator in place of a provider's
host.
"""

import ssl
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx2
from django.conf import settings

from sequin_admin.core import tracing
from sequin_admin.core.connections import DEADLINE_S, GuardedTransport, begin_call
from sequin_admin.core.destinations import Forbidden as Forbidden
from sequin_admin.core.destinations import UnknownHost as UnknownHost
from sequin_admin.core.destinations import Unreachable as Unreachable
from sequin_admin.core.destinations import canonical_host
from sequin_admin.core.fields import Secrets
from sequin_admin.core.redaction import sent_secrets
from sequin_admin.core.responses import Response as Response
from sequin_admin.core.tracing import requests

MAX_BYTES = 2_000_000
_HEADERS = {
    "User-Agent": "sequin-admin",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}
_ZLIB_OR_GZIP = zlib.MAX_WBITS | 32
# The registered codings of a body (RFC 9110 section 8.4.1). Other labels stand for none.
_CODINGS = {"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"}


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
    name = canonical_host(host)
    if name in named or not provider or not settings.SIMULATOR_URL:
        return named.get(name)
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
    named: bool = False,
    secrets: Iterable[str] = (),
    pass_trace: bool = False,
) -> Response:
    """Call `url` once. Raises `Unreachable` when no complete response came within `deadline_s`.

    `provider=False` is for addresses that a user entered: the simulator does not replace them.
    `named`: the operator named the host in a setting, so it may be private, or this machine.
    `secrets` are those in `content`; the others are recognized by where they are sent.
    `pass_trace` tells the receiver our trace: not a provider, whom it is no business of.
    """
    sent = Secrets({**_HEADERS, **(headers or {})})
    if bearer is not None:
        sent["Authorization"] = f"Bearer {bearer}"
    fields = (sent, params or {}, form or {}, json if isinstance(json, Mapping) else {})
    known = (*secrets, *(basic or ()), *(s for part in fields for s in sent_secrets(part)))
    host = urlsplit(url).hostname
    has_base = base_url(host or "", provider=provider) is not None
    client = _client(provider or named, named or has_base)
    begin_call(deadline_s)
    try:
        with (
            requests.call(method, url, provider=provider) as span,
            client.stream(
                method,
                rewrite_url(url, provider=provider),
                timeout=deadline_s,
                # As UTF-8: httpx refuses non-ASCII text, but a secret may contain any character.
                headers={
                    name.encode(): value.encode()
                    for name, value in {**sent, **(tracing.headers() if pass_trace else {})}.items()
                },
                auth=httpx2.BasicAuth(*basic) if basic else None,
                params=params,
                data=dict(form) if form is not None else None,
                json=json,
                content=content,
            ) as answer,
        ):
            body = _decode_body(_read_body(answer, host), answer.headers, host)
            lowered = {name.lower(): value for name, value in answer.headers.items()}
            response = Response(answer.status_code, lowered, body, known)
            span.set({"http.response.status_code": response.status})
            _last_response.get().append(response)
            return response
    except httpx2.TimeoutException:
        raise Unreachable(f"{host} did not answer within {deadline_s:g} seconds.") from None
    except httpx2.InvalidURL:
        raise Forbidden(f"{host} is not an address we can call.") from None
    except httpx2.HTTPError as error:
        reason = describe_failure(error)
        raise Unreachable(f"{host} could not be reached ({reason}).") from None


def describe_failure(error: httpx2.HTTPError) -> str:
    """What is wrong with a certificate; of anything else the name of the error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is refused: {cause.verify_message.rstrip('.')}"
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


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


# Outside `last_response()` nothing is kept.
_last_response: ContextVar[deque[Response]] = ContextVar("last", default=deque(maxlen=0))  # noqa: B039


@cache
def _client(provider: bool, named: bool) -> httpx2.Client:
    """One client for each policy, so that none reuses a connection that another may not open."""
    return httpx2.Client(transport=GuardedTransport(provider, named), follow_redirects=False)
