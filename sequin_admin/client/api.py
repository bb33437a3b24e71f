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
from sequin_admin.client.answers import TIMEOUT_S, settings
from sequin_admin.client.permits import AsyncPermits, Pace, Permit, Permits
from sequin_admin.client.plans import run, run_async
from sequin_admin.client.tokens import CredentialPlans
from sequin_admin.client.transport import AsyncCredentialTransport, CredentialTransport

PACE = Pace()


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
        self.plans = CredentialPlans(client.http, time.sleep, id, pace)
        self.permits = Permits(self.ask_for_permits, pace)
        client.pools.add(self.permits)
        self.lock = threading.Lock()

    @property
    def base_url(self) -> str:
        return self.token().base_url

    def token(self, *, min_ttl_s: int = 0) -> Access:
        """A valid token, cached. Raises `Broken`, `TryLater`, or another `SequinError`.

        Waits up to `patience_s` where the server says when to ask again.
        """
        with self.lock:
            return run(self.plans.valid_token(min_ttl_s))

    def refused(self, access: Access) -> Access:
        """A replacement for `access`, which the provider rejected. Raises as `token()`."""
        with self.lock:
            return run(self.plans.next_token(access))

    def permit(self) -> AbstractContextManager[Permit]:
        """`with credential.permit():` around one call made without the transport.

        Waits up to `patience_s` for a permit, then raises `TryLater`.
        """
        return self.permits.permit()

    def ask_for_permits(self, ending: str, body: dict[str, Any]) -> httpx2.Response:
        return run(self.plans.permits(ending, body))

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
        self.plans = CredentialPlans(client.http, asyncio.sleep, id, pace)
        self.permits = AsyncPermits(self.ask_for_permits, pace)
        client.pools.add(self.permits)
        self.lock = asyncio.Lock()

    async def token(self, *, min_ttl_s: int = 0) -> Access:
        async with self.lock:
            return await run_async(self.plans.valid_token(min_ttl_s))

    async def refused(self, access: Access) -> Access:
        async with self.lock:
            return await run_async(self.plans.next_token(access))

    def permit(self) -> AbstractAsyncContextManager[Permit]:
        return self.permits.permit()

    async def ask_for_permits(self, ending: str, body: dict[str, Any]) -> httpx2.Response:
        return await run_async(self.plans.permits(ending, body))

    def transport(
        self, wrapped: httpx2.AsyncBaseTransport | None = None, *, paced: bool = True
    ) -> AsyncCredentialTransport:
        permits = self.permits if paced else None
        return AsyncCredentialTransport(self, wrapped or httpx2.AsyncHTTPTransport(), permits)
