"""Bodies of responses that say when they are closed."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx2


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
