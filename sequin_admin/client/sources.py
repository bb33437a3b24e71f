"""What authorizes and paces requests: for threads, and for asyncio."""

from typing import Protocol

from sequin_admin.client.access import Access
from sequin_admin.client.permit_pool import Permit


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
