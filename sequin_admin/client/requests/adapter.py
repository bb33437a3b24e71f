"""A transport adapter that authorizes requests and keeps the credential's rate limit.

https://requests.readthedocs.io/en/latest/user/advanced/#transport-adapters
"""

from collections.abc import Iterable
from functools import partial
from typing import Any, TypeAlias

import httpx2
import requests
from requests.adapters import DEFAULT_POOLSIZE, HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import ProxyManager

from sequin_admin.client.access import Access
from sequin_admin.client.answers import TIMEOUT_S
from sequin_admin.client.api import Credential
from sequin_admin.client.exchange import SENDING, Exchange
from sequin_admin.client.plans import run
from sequin_admin.client.requests.bodies import Body, MeteredRaw
from sequin_admin.client.requests.connections import POOLS, ignore, this_thread

Options: TypeAlias = dict[str, Any]
# They describe a body that `requests` has decoded.
OF_THE_BODY = {"content-encoding", "content-length", "transfer-encoding"}


class CredentialAdapter(HTTPAdapter):
    """For `Session.mount()`. Without `paced` requests are not rate-limited.

    A call without a timeout has one of 60 s. There is no `max_retries`, since urllib3's retries
    would be calls without a permit: make the call again instead.
    """

    def __init__(
        self,
        credential: Credential,
        *,
        paced: bool = True,
        pool_connections: int = DEFAULT_POOLSIZE,
        pool_maxsize: int = DEFAULT_POOLSIZE,
    ) -> None:
        super().__init__(pool_connections, pool_maxsize)
        self.credential, self.paced = credential, paced

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **options: Any
    ) -> None:
        super().init_poolmanager(connections, maxsize, block, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: object = True,
        cert: object = None,
        proxies: object = None,
    ) -> requests.Response:
        timeout = TIMEOUT_S if timeout is None else timeout
        options = {"timeout": timeout, "verify": verify, "cert": cert, "proxies": proxies}
        return self.carry_out(request, options, stream=stream)

    def carry_out(
        self, request: requests.PreparedRequest, options: Options, *, stream: bool
    ) -> requests.Response:
        """The call, with the options that `HTTPAdapter.send()` takes besides. What adapters derived
        from this one change."""
        permits = self.credential.permits if self.paced else None
        exchange = Exchange(
            self.credential, permits, partial(self.send_authorized, request, options)
        )
        response = run(exchange.carry_out(to_httpx2(request)))
        answer: requests.Response = response.extensions["answer"]
        if not response.is_closed:
            answer.raw = MeteredRaw(answer.raw, response.close)
            if not stream:
                _ = answer.content
        return answer

    def send_authorized(
        self, request: requests.PreparedRequest, options: Options, authorized: httpx2.Request
    ) -> httpx2.Response:
        """Send what was checked and authorized. The caller's request stays without the secret."""
        sent = request.copy()
        write_into(sent, authorized)
        this_thread.look = partial(authorized.extensions.get("trace", ignore), SENDING, {})
        try:
            answer = super().send(sent, stream=True, **options)
        finally:
            this_thread.look = ignore
        answer.request, answer.url = request, request.url or ""
        return httpx2.Response(
            answer.status_code,
            headers=[each for each in answer.headers.items() if each[0].lower() not in OF_THE_BODY],
            stream=Body(answer),
            extensions={"answer": answer},
        )


def put_access_into(request: requests.PreparedRequest, access: Access) -> None:
    """Authorize a request in place. Raises as `Access.put_into()`."""
    write_into(request, access.put_into(to_httpx2(request)))


def write_into(request: requests.PreparedRequest, authorized: httpx2.Request) -> None:
    request.url, request.body = str(authorized.url), authorized.content or None
    request.headers = CaseInsensitiveDict(authorized.headers)


def to_httpx2(request: requests.PreparedRequest) -> httpx2.Request:
    """The request with its whole body, so that it can be sent twice."""
    headers = {
        name: value if isinstance(value, str) else value.decode("latin-1")
        for name, value in request.headers.items()
    }
    url = httpx2.URL(request.url or "")
    # As `HTTPAdapter.request_url()` does it, so that what is signed is what is sent.
    url = url.copy_with(raw_path=b"/" + url.raw_path.lstrip(b"/"))
    body = whole(request.body)
    return httpx2.Request(request.method or "GET", url, headers=headers, content=body)


def whole(body: object) -> str | bytes | None:
    if isinstance(body, Iterable) and not isinstance(body, str | bytes):
        parts = [part.encode() if isinstance(part, str) else bytes(part) for part in body]
        return b"".join(parts)
    return body if isinstance(body, str | bytes) else None
