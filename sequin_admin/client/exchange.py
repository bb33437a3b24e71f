"""A request to a provider with its response, whatever sends it."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import httpx2

from sequin_admin.client.access import Access
from sequin_admin.client.dialect import Dialect
from sequin_admin.client.metered import AsyncMetered, Metered
from sequin_admin.client.plans import Call, Plan
from sequin_admin.client.sources import AsyncPermitSource, AsyncTokens, PermitSource, Tokens

UNAUTHORIZED = 401
# https://www.encode.io/httpcore/extensions/#trace
SENDING = ".send_request_headers.started"
Trace: TypeAlias = Callable[[str, dict[str, Any]], Any]


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
