"""httpx2 transports that authorize requests and keep the credential's rate limit.

Each request is sent with the token, which is replaced when the provider rejects it. Each waits for
a permit; what the response says about the provider's own limit is reported to the server, so that
a throttled call pauses all workers.

https://www.python-httpx.org/advanced/transports/
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any, Protocol, TypeAlias

import httpx2

from sequin_admin.client.access import Access
from sequin_admin.client.dialect import Dialect
from sequin_admin.client.permit_pool import Permit
from sequin_admin.client.plans import Call, Plan, run, run_async

UNAUTHORIZED = 401
# https://www.encode.io/httpcore/extensions/#trace
SENDING = ".send_request_headers.started"
Trace: TypeAlias = Callable[[str, dict[str, Any]], Any]


class Tokens(Protocol):
    """What adds a credential to requests: a `Credential`."""

    def token(self) -> Access: ...
    def refused(self, access: Access) -> Access: ...


class AsyncTokens(Protocol):
    """An `AsyncCredential`."""

    async def token(self) -> Access: ...
    async def refused(self, access: Access) -> Access: ...


class PermitSource(Protocol):
    """What paces requests: `Permits`."""

    def take(self) -> Permit: ...
    def renew(self, permit: Permit) -> None: ...
    def give(self, permit: Permit) -> None: ...


class AsyncPermitSource(Protocol):
    """`AsyncPermits`."""

    async def take(self) -> Permit: ...
    async def renew(self, permit: Permit) -> None: ...
    async def give(self, permit: Permit) -> None: ...


class Exchange:
    """One request to a provider, and its response: authorized, paced, and once more after 401."""

    def __init__(
        self,
        tokens: Tokens | AsyncTokens,
        permits: PermitSource | AsyncPermitSource | None,
        send: Callable[[httpx2.Request], object],
    ) -> None:
        self.tokens, self.permits, self.send = tokens, permits, send

    def carry_out(self, request: httpx2.Request) -> Plan[httpx2.Response]:
        yield self.reading(request)  # so that it can be sent twice
        access = yield self.tokens.token
        response: httpx2.Response = yield from self.attempt(access, request)
        if response.status_code != UNAUTHORIZED:
            return response
        yield self.closing(response)
        access = yield partial(self.tokens.refused, access)
        return (yield from self.attempt(access, request))

    def attempt(self, access: Access, request: httpx2.Request) -> Plan[httpx2.Response]:
        sent, permits = access.put_into(request), self.permits
        response: httpx2.Response
        if permits is None:
            response = yield partial(self.send, sent)
            return response
        permit = yield permits.take
        give = partial(permits.give, permit)
        renew_at = self.before_sending(partial(permits.renew, permit), sent.extensions.get("trace"))
        sent.extensions = {**sent.extensions, "trace": renew_at}
        try:
            response = yield partial(self.send, sent)
            permit.arrived()
            dialect = Dialect(access.dialect)
            if dialect.needs_body(response):
                yield self.reading(response)
        except BaseException:
            permit.failed()
            yield give
            raise
        permit.ending |= dialect.ending(response)
        if response.is_closed:
            yield give
        else:
            self.on_close(response, give)
        return response

    def before_sending(self, renew: Call, trace: Trace | None) -> Trace:
        """The callback that looks at the permit when the connection is there, right before the
        request is sent. Calls `trace`, the caller's own, afterwards."""

        def traced(name: str, info: dict[str, Any]) -> None:
            if name.endswith(SENDING):
                renew()
            if trace:
                trace(name, info)

        return traced

    def reading(self, message: httpx2.Request | httpx2.Response) -> Call:
        return message.read

    def closing(self, response: httpx2.Response) -> Call:
        return response.close

    def on_close(self, response: httpx2.Response, give: Call) -> None:
        """Release the permit when the body is closed: the call is in progress until then."""
        if isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = Metered(response.stream, give)


class AsyncExchange(Exchange):
    """`Exchange` for asyncio."""

    def before_sending(self, renew: Call, trace: Trace | None) -> Trace:
        async def traced(name: str, info: dict[str, Any]) -> None:
            if name.endswith(SENDING):
                await renew()
            if trace:
                await trace(name, info)

        return traced

    def reading(self, message: httpx2.Request | httpx2.Response) -> Call:
        return message.aread

    def closing(self, response: httpx2.Response) -> Call:
        return response.aclose

    def on_close(self, response: httpx2.Response, give: Call) -> None:
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = AsyncMetered(response.stream, give)


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


class Metered(httpx2.SyncByteStream):
    """A response body that calls `done` once, when it is closed."""

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
    """`Metered` for asyncio."""

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
