"""Posting JSON to an address of a customer, and what its answer means."""

from urllib.parse import urlsplit

from sequin_admin.core import http
from sequin_admin.notifications.senders.attempts import GONE, SendResult

BUSY = (429, 503)
JSON = {"Content-Type": "application/json"}


def post_json(
    url: str, body: str, headers: dict[str, str], *, pass_trace: bool = False
) -> SendResult:
    response = http.post(
        url,
        content=body.encode(),
        headers={**JSON, **headers},
        provider=False,
        pass_trace=pass_trace,
    )
    if response.ok:
        return SendResult(response.status)
    error = http_error_message(urlsplit(url).hostname, response.status)
    return SendResult(response.status, error, retry_after_of(response))


def http_error_message(host: str | None, status: int) -> str:
    if status == GONE:
        return f"{host} answered {GONE}: it wants no more messages at this address."
    if 300 <= status < 400:
        return f"{host} answered {status}, which sends us elsewhere. Enter the final address."
    return f"{host} answered {status}."


def retry_after_of(response: http.Response) -> float:
    """`Retry-After` of a 429 or 503 in seconds; 0 without one."""
    return (response.retry_after_s or 0) if response.status in BUSY else 0
