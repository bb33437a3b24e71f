"""httpx2 transports that authorize requests and keep the credential's rate limit.

Each request is sent with the token, which is replaced when the provider rejects it. Each waits for
a permit; what the response says about the provider's own limit is reported to the server, so that
a throttled call pauses all workers.

https://www.python-httpx.org/advanced/transports/
"""

import httpx2

from sequin_admin.client.exchange import AsyncExchange, Exchange
from sequin_admin.client.plans import run, run_async
from sequin_admin.client.sources import AsyncPermitSource, AsyncTokens, PermitSource, Tokens


class CredentialTransport(httpx2.BaseTransport):
    """Wraps another transport. A request answered with 401 is sent once more with a new token.

    Without `permits` requests are not rate-limited.
    """

    def __init__(
        self, tokens: Tokens, wrapped: httpx2.BaseTransport, permits: PermitSource | None = None
    ) -> None:
        self.wrapped = wrapped
        self.exchange = Exchange(tokens, permits, wrapped.handle_request)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return run(self.exchange.carry_out(request))

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
        self.wrapped = wrapped
        self.exchange = AsyncExchange(tokens, permits, wrapped.handle_async_request)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await run_async(self.exchange.carry_out(request))

    async def aclose(self) -> None:
        await self.wrapped.aclose()
