"""httpx2 transports that authorize requests and keep the credential's rate limit.

Each request is sent with the token, which is replaced when the provider rejects it. Each waits for
a permit; what the response says about the provider's own limit is reported to the server, so that
a throttled call pauses all workers.

https://www.python-httpx.org/advanced/transports/
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Protocol

import httpx2

from sequin_admin.client.access import Access
from sequin_admin.client.dialect import Dialect
from sequin_admin.client.permits import Permit

UNAUTHORIZED = 401


class Tokens(Protocol):
    def token(self) -> Access: ...
    def refused(self, access: Access) -> Access: ...


class AsyncTokens(Protocol):
    async def token(self) -> Access: ...
    async def refused(self, access: Access) -> Access: ...


class PermitSource(Protocol):
    def take(self) -> Permit: ...
    def give(self, permit: Permit) -> None: ...


class AsyncPermitSource(Protocol):
    async def take(self) -> Permit: ...
    async def give(self, permit: Permit) -> None: ...


class CredentialTransport(httpx2.BaseTransport):
    """Wraps another transport. A request answered with 401 is sent once more with a new token.

    Without `permits` requests are not rate-limited.
    """

    def __init__(
        self, tokens: Tokens, wrapped: httpx2.BaseTransport, permits: PermitSource | None = None
    ) -> None:
        self.tokens, self.wrapped, self.permits = tokens, wrapped, permits

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()  # so that it can be sent twice
        access = self.tokens.token()
        response = self.send(access, request)
        if response.status_code != UNAUTHORIZED:
            return response
        response.close()
        return self.send(self.tokens.refused(access), request)

    def send(self, access: Access, request: httpx2.Request) -> httpx2.Response:
        ready, permits = access.put_into(request), self.permits
        if permits is None:
            return self.wrapped.handle_request(ready)
        permit = permits.take()
        try:
            response = self.wrapped.handle_request(ready)
            permit.arrived()
            dialect = Dialect(access.dialect)
            if dialect.needs_body(response):
                response.read()
        except BaseException:
            permit.ending["outcome"] = "failed"
            permits.give(permit)
            raise
        permit.ending |= dialect.ending(response)
        if response.is_closed:
            permits.give(permit)
        elif isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = Metered(response.stream, lambda: permits.give(permit))
        return response

    def close(self) -> None:
        self.wrapped.close()


class AsyncCredentialTransport(httpx2.AsyncBaseTransport):
    """`CredentialTransport` for asyncio."""

    def __init__(
        self,
        tokens: AsyncTokens,
        wrapped: httpx2.AsyncBaseTransport,
        permits: AsyncPermitSource | None = None,
    ) -> None:
        self.tokens, self.wrapped, self.permits = tokens, wrapped, permits

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        access = await self.tokens.token()
        response = await self.send(access, request)
        if response.status_code != UNAUTHORIZED:
            return response
        await response.aclose()
        return await self.send(await self.tokens.refused(access), request)

    async def send(self, access: Access, request: httpx2.Request) -> httpx2.Response:
        ready, permits = access.put_into(request), self.permits
        if permits is None:
            return await self.wrapped.handle_async_request(ready)
        permit = await permits.take()
        try:
            response = await self.wrapped.handle_async_request(ready)
            permit.arrived()
            dialect = Dialect(access.dialect)
            if dialect.needs_body(response):
                await response.aread()
        except BaseException:
            permit.ending["outcome"] = "failed"
            await permits.give(permit)
            raise
        permit.ending |= dialect.ending(response)
        if response.is_closed:
            await permits.give(permit)
        elif isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = AsyncMetered(response.stream, lambda: permits.give(permit))
        return response

    async def aclose(self) -> None:
        await self.wrapped.aclose()


class Metered(httpx2.SyncByteStream):
    """A response body that calls `done` when closed: the call is in progress until then."""

    def __init__(self, stream: httpx2.SyncByteStream, done: Callable[[], None]) -> None:
        self.stream, self.done, self.open = stream, done, True

    def __iter__(self) -> Iterator[bytes]:
        yield from self.stream

    def close(self) -> None:
        self.stream.close()
        if self.open:
            self.open = False
            self.done()


class AsyncMetered(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, done: Callable[[], Awaitable[None]]) -> None:
        self.stream, self.done, self.open = stream, done, True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self.stream:
            yield chunk

    async def aclose(self) -> None:
        await self.stream.aclose()
        if self.open:
            self.open = False
            await self.done()
