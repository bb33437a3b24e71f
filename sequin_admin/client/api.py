"""The client of `/v1/credentials/{id}/token` and `/permits`, for threads and for asyncio.

A token is cached until shortly before it expires, so most calls need no request to the server.
"""

import asyncio
import threading
import time
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any
from weakref import WeakSet

import httpx2

from sequin_admin.client.access import Access
from sequin_admin.client.errors import Broken, SequinError, TryLater
from sequin_admin.client.permits import AsyncPermits, Pace, Permit, Permits, retry_wait_s
from sequin_admin.client.retry_after import retry_after_s
from sequin_admin.client.transport import AsyncCredentialTransport, CredentialTransport

MARGIN_S = 60.0
PACE = Pace()
# The server may close an idle connection just as it is used, so a request is sent once more. That
# is safe: a permit whose response was lost ends with its lease.
CONNECTION_LOST = (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError)
# Where the server does not say how long to wait.
DEFAULT_WAIT_S = 5.0
TIMEOUT_S = 60.0  # longer than the server waits for a provider


class Client:
    """Connection to a Sequin Admin. `api_key` needs the scopes `secrets` and `permits`."""

    def __init__(self, base_url: str, api_key: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self.http = httpx2.Client(**settings(base_url, api_key, timeout_s))
        self.pools: WeakSet[Permits] = WeakSet()

    def credential(self, id: object, pace: Pace = PACE) -> "Credential":
        return Credential(self, str(id), pace)

    def close(self) -> None:
        for permits in self.pools:
            permits.close()
        self.http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Credential:
    """One credential. Thread-safe; create one per process and reuse it."""

    def __init__(self, client: Client, id: str, pace: Pace = PACE) -> None:
        self.client, self.id = client, id
        self.permits = Permits(self.ask_for_permits, pace)
        client.pools.add(self.permits)
        self.lock = threading.Lock()
        self.known: Access | None = None

    @property
    def base_url(self) -> str:
        return self.token().base_url

    def token(self, *, min_ttl_s: int = 0) -> Access:
        """A valid token, cached. Raises `Broken`, `TryLater`, or another `SequinError`.

        Waits up to `patience_s` where the server says when to ask again.
        """
        with self.lock:
            if self.known is None or not self.known.lives(max(MARGIN_S, min_ttl_s)):
                params = {"min_ttl": min_ttl_s}
                self.known = self.read_token("GET", "token", params=params)
            return self.known

    def refused(self, access: Access) -> Access:
        """A replacement for `access`, which the provider rejected. Raises as `token()`."""
        with self.lock:
            if self.known is None or self.known.fingerprint == access.fingerprint:
                body = {"fingerprint": access.fingerprint}
                self.known = self.read_token("POST", "token/refresh", json=body)
            return self.known

    def read_token(self, method: str, ending: str, **sent: Any) -> Access:
        ends = time.monotonic() + self.permits.pace.patience_s
        while True:
            try:
                return read(ask(self.client.http, method, f"{self.id}/{ending}", **sent))
            except TryLater as later:
                time.sleep(retry_wait_s(later, ends))

    def permit(self) -> AbstractContextManager[Permit]:
        """`with credential.permit():` around one call made without the transport.

        Waits up to `patience_s` for a permit, then raises `TryLater`.
        """
        return self.permits.permit()

    def ask_for_permits(self, ending: str, body: dict[str, Any]) -> httpx2.Response:
        return passed(ask(self.client.http, "POST", f"{self.id}/permits{ending}", json=body))

    def transport(
        self, wrapped: httpx2.BaseTransport | None = None, *, paced: bool = True
    ) -> CredentialTransport:
        """For `httpx2.Client(transport=...)`: adds the token to every request and, if `paced`,
        waits for a permit before sending it."""
        permits = self.permits if paced else None
        return CredentialTransport(self, wrapped or httpx2.HTTPTransport(), permits)


class AsyncClient:
    """`Client` for asyncio."""

    def __init__(self, base_url: str, api_key: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self.http = httpx2.AsyncClient(**settings(base_url, api_key, timeout_s))
        self.pools: WeakSet[AsyncPermits] = WeakSet()

    def credential(self, id: object, pace: Pace = PACE) -> "AsyncCredential":
        return AsyncCredential(self, str(id), pace)

    async def close(self) -> None:
        for permits in self.pools:
            await permits.close()
        await self.http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


class AsyncCredential:
    """`Credential` for asyncio."""

    def __init__(self, client: AsyncClient, id: str, pace: Pace = PACE) -> None:
        self.client, self.id = client, id
        self.permits = AsyncPermits(self.ask_for_permits, pace)
        client.pools.add(self.permits)
        self.lock = asyncio.Lock()
        self.known: Access | None = None

    async def token(self, *, min_ttl_s: int = 0) -> Access:
        async with self.lock:
            if self.known is None or not self.known.lives(max(MARGIN_S, min_ttl_s)):
                params = {"min_ttl": min_ttl_s}
                self.known = await self.read_token("GET", "token", params=params)
            return self.known

    async def refused(self, access: Access) -> Access:
        async with self.lock:
            if self.known is None or self.known.fingerprint == access.fingerprint:
                body = {"fingerprint": access.fingerprint}
                self.known = await self.read_token("POST", "token/refresh", json=body)
            return self.known

    async def read_token(self, method: str, ending: str, **sent: Any) -> Access:
        ends, path = time.monotonic() + self.permits.pace.patience_s, f"{self.id}/{ending}"
        while True:
            try:
                return read(await ask_async(self.client.http, method, path, **sent))
            except TryLater as later:
                await asyncio.sleep(retry_wait_s(later, ends))

    def permit(self) -> AbstractAsyncContextManager[Permit]:
        return self.permits.permit()

    async def ask_for_permits(self, ending: str, body: dict[str, Any]) -> httpx2.Response:
        path = f"{self.id}/permits{ending}"
        return passed(await ask_async(self.client.http, "POST", path, json=body))

    def transport(
        self, wrapped: httpx2.AsyncBaseTransport | None = None, *, paced: bool = True
    ) -> AsyncCredentialTransport:
        permits = self.permits if paced else None
        return AsyncCredentialTransport(self, wrapped or httpx2.AsyncHTTPTransport(), permits)


def settings(base_url: str, api_key: str, timeout_s: float) -> dict[str, Any]:
    return {
        "base_url": base_url,
        "headers": {"Authorization": f"Bearer {api_key}"},
        "timeout": timeout_s,
    }


def ask(http: httpx2.Client, method: str, path: str, **sent: Any) -> httpx2.Response:
    url = f"/v1/credentials/{path}"
    try:
        try:
            return http.request(method, url, **sent)
        except CONNECTION_LOST:
            return http.request(method, url, **sent)
    except httpx2.HTTPError as error:
        raise unreachable(error) from error


async def ask_async(
    http: httpx2.AsyncClient, method: str, path: str, **sent: Any
) -> httpx2.Response:
    url = f"/v1/credentials/{path}"
    try:
        try:
            return await http.request(method, url, **sent)
        except CONNECTION_LOST:
            return await http.request(method, url, **sent)
    except httpx2.HTTPError as error:
        raise unreachable(error) from error


def unreachable(error: httpx2.HTTPError) -> TryLater:
    url = error.request.url
    return TryLater(
        f"Sequin Admin at {url.scheme}://{url.netloc.decode()} could not be asked: "
        f"{type(error).__name__}. Check the address, or try again."
    )


def read(response: httpx2.Response) -> Access:
    """The token in a response. Raises `Broken`, `TryLater` or `SequinError` for an error."""
    if response.status_code == 200:
        return Access.of(response.json())
    raise error_in(response)


def passed(response: httpx2.Response) -> httpx2.Response:
    """A response with permits or with `retry_after_ms`. Raises for any other error."""
    if response.status_code == 200 or "retry_after_ms" in object_in(response):
        return response
    raise error_in(response)


def error_in(response: httpx2.Response) -> SequinError:
    sentence = summary_of(response)
    if response.status_code == 409:
        return Broken(sentence, 409)
    if response.status_code == 429 or response.status_code >= 500:
        wait = retry_after_s(response)
        return TryLater(
            sentence, response.status_code, retry_after_s=DEFAULT_WAIT_S if wait is None else wait
        )
    return SequinError(sentence, response.status_code)


def summary_of(response: httpx2.Response) -> str:
    said = object_in(response).get("summary")
    return str(said or f"Sequin Admin answered {response.status_code}.")


def object_in(response: httpx2.Response) -> dict[str, Any]:
    try:
        value = response.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
