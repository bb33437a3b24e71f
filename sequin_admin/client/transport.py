"""httpx2 transports that let calls in: the token goes out with each, a refused one is replaced.

https://www.python-httpx.org/advanced/transports/
"""

from typing import Protocol

import httpx2

from sequin_admin.client.access import Access

UNAUTHORIZED = 401


class Tokens(Protocol):
    def token(self) -> Access: ...
    def refused(self, access: Access) -> Access: ...


class AsyncTokens(Protocol):
    async def token(self) -> Access: ...
    async def refused(self, access: Access) -> Access: ...


class CredentialTransport(httpx2.BaseTransport):
    """Around `wrapped`. A call that comes back with 401 is sent once more with a newer token."""

    def __init__(self, tokens: Tokens, wrapped: httpx2.BaseTransport) -> None:
        self.tokens, self.wrapped = tokens, wrapped

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()  # so that it can be sent twice
        access = self.tokens.token()
        response = self.wrapped.handle_request(access.put_into(request))
        if response.status_code != UNAUTHORIZED:
            return response
        response.close()
        newer = self.tokens.refused(access)
        return self.wrapped.handle_request(newer.put_into(request))

    def close(self) -> None:
        self.wrapped.close()


class AsyncCredentialTransport(httpx2.AsyncBaseTransport):
    """As `CredentialTransport`, for asyncio."""

    def __init__(self, tokens: AsyncTokens, wrapped: httpx2.AsyncBaseTransport) -> None:
        self.tokens, self.wrapped = tokens, wrapped

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        access = await self.tokens.token()
        response = await self.wrapped.handle_async_request(access.put_into(request))
        if response.status_code != UNAUTHORIZED:
            return response
        await response.aclose()
        newer = await self.tokens.refused(access)
        return await self.wrapped.handle_async_request(newer.put_into(request))

    async def aclose(self) -> None:
        await self.wrapped.aclose()
