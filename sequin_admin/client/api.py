"""The client of `/v1/credentials/{id}/token`, for threads and for asyncio.

A token is kept until shortly before its end, so most calls ask nobody.
"""

import asyncio
import threading
from typing import Any

import httpx2

from sequin_admin.client.access import Access
from sequin_admin.client.errors import Broken, SequinError, TryLater
from sequin_admin.client.transport import AsyncCredentialTransport, CredentialTransport

MARGIN_S = 60.0
TIMEOUT_S = 60.0  # longer than the server waits for a provider


class Client:
    """Your Sequin Admin. `api_key` needs the scope `secrets`."""

    def __init__(self, base_url: str, api_key: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self.http = httpx2.Client(**settings(base_url, api_key, timeout_s))

    def credential(self, id: object) -> "Credential":
        return Credential(self, str(id))

    def close(self) -> None:
        self.http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Credential:
    """One credential. Safe to share between threads; make one per process and keep it."""

    def __init__(self, client: Client, id: str) -> None:
        self.client, self.id = client, id
        self.lock = threading.Lock()
        self.known: Access | None = None

    @property
    def base_url(self) -> str:
        return self.token().base_url

    def token(self, *, min_ttl_s: int = 0) -> Access:
        """What the next call needs. Raises `Broken`, `TryLater`, or another `SequinError`."""
        with self.lock:
            if self.known is None or not self.known.lives(max(MARGIN_S, min_ttl_s)):
                answer = ask(self.client.http, "GET", self.id, params={"min_ttl": min_ttl_s})
                self.known = read(answer)
            return self.known

    def refused(self, access: Access) -> Access:
        """Another access than this one, which the provider turned down. Raises as `token()`."""
        with self.lock:
            if self.known is None or self.known.fingerprint == access.fingerprint:
                body = {"fingerprint": access.fingerprint}
                self.known = read(ask(self.client.http, "POST", self.id, json=body))
            return self.known

    def transport(self, wrapped: httpx2.BaseTransport | None = None) -> CredentialTransport:
        """For `httpx2.Client(transport=...)`: every call goes out with this credential."""
        return CredentialTransport(self, wrapped or httpx2.HTTPTransport())


class AsyncClient:
    """As `Client`, for asyncio."""

    def __init__(self, base_url: str, api_key: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self.http = httpx2.AsyncClient(**settings(base_url, api_key, timeout_s))

    def credential(self, id: object) -> "AsyncCredential":
        return AsyncCredential(self, str(id))

    async def close(self) -> None:
        await self.http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


class AsyncCredential:
    """As `Credential`, for asyncio."""

    def __init__(self, client: AsyncClient, id: str) -> None:
        self.client, self.id = client, id
        self.lock = asyncio.Lock()
        self.known: Access | None = None

    async def token(self, *, min_ttl_s: int = 0) -> Access:
        async with self.lock:
            if self.known is None or not self.known.lives(max(MARGIN_S, min_ttl_s)):
                answer = await ask_async(
                    self.client.http, "GET", self.id, params={"min_ttl": min_ttl_s}
                )
                self.known = read(answer)
            return self.known

    async def refused(self, access: Access) -> Access:
        async with self.lock:
            if self.known is None or self.known.fingerprint == access.fingerprint:
                body = {"fingerprint": access.fingerprint}
                self.known = read(await ask_async(self.client.http, "POST", self.id, json=body))
            return self.known

    def transport(
        self, wrapped: httpx2.AsyncBaseTransport | None = None
    ) -> AsyncCredentialTransport:
        return AsyncCredentialTransport(self, wrapped or httpx2.AsyncHTTPTransport())


def settings(base_url: str, api_key: str, timeout_s: float) -> dict[str, Any]:
    return {
        "base_url": base_url,
        "headers": {"Authorization": f"Bearer {api_key}"},
        "timeout": timeout_s,
    }


def path_of(method: str, id: str) -> str:
    return f"/v1/credentials/{id}/token{'/refresh' if method == 'POST' else ''}"


def ask(http: httpx2.Client, method: str, id: str, **sent: Any) -> httpx2.Response:
    try:
        return http.request(method, path_of(method, id), **sent)
    except httpx2.HTTPError as error:
        raise unreachable(error) from error


async def ask_async(http: httpx2.AsyncClient, method: str, id: str, **sent: Any) -> httpx2.Response:
    try:
        return await http.request(method, path_of(method, id), **sent)
    except httpx2.HTTPError as error:
        raise unreachable(error) from error


def unreachable(error: httpx2.HTTPError) -> TryLater:
    return TryLater(f"Sequin Admin could not be asked: {type(error).__name__}. Try again.")


def read(response: httpx2.Response) -> Access:
    """The access in an answer. Raises the error that it is instead."""
    if response.status_code == 200:
        return Access.of(response.json())
    sentence = summary_of(response)
    if response.status_code == 409:
        raise Broken(sentence, 409)
    if response.status_code == 429 or response.status_code >= 500:
        wait = response.headers.get("Retry-After", "")
        raise TryLater(
            sentence, response.status_code, retry_after_s=float(wait) if wait.isdecimal() else 5
        )
    raise SequinError(sentence, response.status_code)


def summary_of(response: httpx2.Response) -> str:
    try:
        return str(response.json()["summary"])
    except (ValueError, KeyError, TypeError):
        return f"Sequin Admin answered {response.status_code}."
