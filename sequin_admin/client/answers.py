"""Requests to Sequin Admin, and what its answers mean: a value, or an exception."""

import ssl
from functools import partial
from typing import Any

import httpx2

from sequin_admin.client.access import Access
from sequin_admin.client.errors import Broken, Refused, SequinError, TryLater
from sequin_admin.client.plans import Plan
from sequin_admin.client.retry_after import retry_after_s
from sequin_admin.client.trace import trace_headers

# The server may close an idle connection just as it is used, so a request is sent once more. That
# is safe: a permit whose response was lost ends with its lease.
CONNECTION_LOST = (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError)
# Where the server does not say how long to wait.
DEFAULT_WAIT_S = 5.0
TIMEOUT_S = 60.0  # longer than the server waits for a provider
OVERLOADED = (429, 502, 503, 504)

Http = httpx2.Client | httpx2.AsyncClient


def settings(base_url: str, api_key: str, timeout_s: float) -> dict[str, Any]:
    return {
        "base_url": base_url,
        "headers": {"Authorization": f"Bearer {api_key}"},
        "timeout": timeout_s,
    }


def ask(http: Http, method: str, path: str, **sent: Any) -> Plan[httpx2.Response]:
    """The response to a request below `/v1/credentials/`. Raises `TryLater` without one."""
    return (yield from send(http, method, f"/v1/credentials/{path}", **sent))


def send(http: Http, method: str, path: str, **sent: Any) -> Plan[httpx2.Response]:
    """The response to any request. Raises `TryLater` without one."""
    sent["headers"] = {**trace_headers(), **sent.get("headers", {})}
    request = partial(http.request, method, path, **sent)
    response: httpx2.Response
    try:
        try:
            response = yield request
        except CONNECTION_LOST:
            response = yield request
    except httpx2.HTTPError as error:
        raise unreachable(error) from error
    return response


def unreachable(error: httpx2.HTTPError) -> TryLater:
    url = error.request.url
    return TryLater(
        f"Sequin Admin at {url.scheme}://{url.netloc.decode()} could not be asked: "
        f"{reason_of(error)}"
    )


def reason_of(error: BaseException) -> str:
    """What is wrong with the server's certificate; of anything else the name of the error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            wrong = cause.verify_message.rstrip(".")
            return (
                f"its certificate is refused ({wrong}). If you trust it, let SSL_CERT_FILE name a "
                "file with the certificate of its authority."
            )
        cause = cause.__cause__ or cause.__context__
    return f"{type(error).__name__}. Check the address, or try again."


def read_access(response: httpx2.Response) -> Access:
    """The token in a response. Raises `Broken`, `TryLater` or `SequinError` for an error."""
    if response.status_code == 200:
        return Access.of(response.json())
    raise error_in(response)


def read_permits(response: httpx2.Response) -> httpx2.Response:
    """A response with permits or with `retry_after_ms`. Raises for any other error."""
    if response.status_code == 200 or "retry_after_ms" in object_in(response):
        return response
    raise error_in(response)


def read_result(response: httpx2.Response) -> Any:
    """The JSON of a successful response, None without a body. Raises `Refused`, `TryLater`."""
    status = response.status_code
    if response.is_success and not response.content:
        return None
    if response.is_success:
        try:
            return response.json()
        except ValueError:
            pass
    if status in OVERLOADED or (status == 409 and retry_after_s(response) is not None):
        raise try_later(response)
    if not response.is_error or "summary" not in object_in(response):
        raise Refused(
            f"What is at this address does not answer as Sequin Admin does ({status}). "
            "Check the address.",
            status,
        )
    raise Refused(summary_of(response), status, object_in(response).get("validation_errors"))


def error_in(response: httpx2.Response) -> SequinError:
    """`Broken`, `TryLater` or another error, with the server's sentence."""
    status = response.status_code
    if status == 409:
        return Broken(summary_of(response), status)
    if status == 429 or status >= 500:
        return try_later(response)
    return SequinError(summary_of(response), status)


def try_later(response: httpx2.Response) -> TryLater:
    wait = retry_after_s(response)
    seconds = DEFAULT_WAIT_S if wait is None else wait
    return TryLater(summary_of(response), response.status_code, retry_after_s=seconds)


def summary_of(response: httpx2.Response) -> str:
    said = object_in(response).get("summary")
    return str(said or f"Sequin Admin answered {response.status_code}.")


def object_in(response: httpx2.Response) -> dict[str, Any]:
    try:
        value = response.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
