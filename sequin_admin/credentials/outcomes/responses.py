"""Outcomes of responses, by HTTP status and by the errors of OAuth."""

import re
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime

from sequin_admin.core import clock
from sequin_admin.core.http import Response
from sequin_admin.core.redaction import redact
from sequin_admin.credentials.outcomes.outcome import (
    Outcome,
    Verdict,
    customer,
    operator,
    transient,
    works,
)

LONGEST_WAIT_S = 86_400.0
# A provider that is down may be back sooner than it thinks.
LONGEST_OUTAGE_WAIT_S = 3600.0
# How an API, or a proxy before it, refuses access.
PAGE_STATUSES = (401, 403, 407)
BLAMELESS = (Verdict.OK, Verdict.TRANSIENT)


def retry_after(response: Response) -> float | None:
    """Seconds to wait by the `Retry-After` header, a day at most."""
    wait = response.retry_after_s
    return None if wait is None else min(wait, LONGEST_WAIT_S)


def until_reset(response: Response) -> float | None:
    """Seconds until `X-RateLimit-Reset`, for providers that give it in epoch seconds."""
    reset = number(response.headers.get("x-ratelimit-reset", ""))
    return None if reset is None else min(max(reset - clock.now().timestamp(), 0), LONGEST_WAIT_S)


def number(text: str) -> float | None:
    """A header's number; None for anything but up to 12 ASCII digits and a fraction."""
    return float(text) if re.fullmatch(r"[0-9]{1,12}(\.[0-9]*)?", text) else None


def unless_foreign(outcome: Outcome, provider: str) -> Outcome:
    """The outcome, unless it blames somebody for a web page: APIs refuse in JSON or XML, so that
    a proxy or firewall between us and the provider has answered in its place."""
    body, status = str(outcome.evidence.get("body", "")), outcome.evidence.get("status")
    is_page = re.match(r"\s*<(!doctype\s+html|html)", body, re.IGNORECASE)
    if status not in PAGE_STATUSES or not is_page or outcome.verdict in BLAMELESS:
        return outcome
    message = f"Instead of {provider}, something between us and it answered {status} with a page."
    return replace(transient("not_json", message), evidence=outcome.evidence)


def clock_ahead_s(response: Response) -> float | None:
    """How far this server's clock is ahead of the `Date` of the response, in seconds."""
    try:
        server = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    return (clock.now() - server.replace(tzinfo=UTC)).total_seconds()


def outage(response: Response, provider: str) -> Outcome | None:
    """The outcome of a response that no client can fix: throttled, 5xx, HTML instead of JSON."""
    status = response.status
    if status == 429:
        wait = retry_after(response)
        message = f"{provider} asks us to slow down."
        return transient("throttled", message, retry_after_s=wait).with_evidence(response)
    if status == 408 or status >= 500:
        message = f"{provider} has a problem of its own: it answered {status}."
        wait = min(retry_after(response) or 0, LONGEST_OUTAGE_WAIT_S) or None
        return transient("unavailable", message, retry_after_s=wait).with_evidence(response)
    if response.ok and response.body and response.json() is None:
        message = f"{provider} answered with something that is not JSON, probably an error page."
        return transient("not_json", message).with_evidence(response)
    return None


def unclassified(response: Response, provider: str) -> Outcome:
    """A response that no rule classifies: transient, with the status in the code."""
    message = f"{provider} answered {response.status} in a way we don't know yet."
    return transient(f"http_{response.status}", message).with_evidence(response)


def by_status(response: Response, provider: str) -> Outcome:
    """Classify by status only, after the provider's own rules: outage, success or unclassified."""
    fault = outage(response, provider)
    if fault or response.ok:
        return fault or works()
    return unclassified(response, provider)


def token_error(response: Response, provider: str, *, client_is_ours: bool) -> Outcome:
    """Classify a token endpoint's error, body first (RFC 6749 section 5.2), then status."""
    error = str(response.data().get("error", ""))
    if error == "invalid_grant":
        return customer(
            "invalid_grant",
            f"{provider} no longer accepts the access it granted to us: it expired or was revoked.",
            "The customer must connect the account again.",
            "You must connect the account again.",
        ).with_evidence(response)
    if error in CLIENT_ERRORS or response.status == 401:
        return client_refused(error or "invalid_client", provider, client_is_ours).with_evidence(
            response
        )
    return outage(response, provider) or unclassified(response, provider)


def callback_error(error: str, provider: str, *, client_is_ours: bool) -> Outcome:
    """Classify the `error` parameter of a callback (RFC 6749 section 4.1.2.1)."""
    if error == "access_denied":
        return customer(
            error,
            f"Access was denied at {provider}, so nothing was connected.",
            "If that was a mistake, start again and choose Allow.",
        )
    if error in {"server_error", "temporarily_unavailable"}:
        return transient(error, f"{provider} could not handle the request just now.")
    if error in CLIENT_ERRORS or error == "unsupported_response_type":
        return client_refused(error, provider, client_is_ours)
    return customer(
        redact(error)[:60] or "no_code",
        f"{provider} ended the connection without granting access.",
        "Start again; if it happens twice, check the OAuth app at the provider.",
        "Start again; if it happens twice, tell whoever sent you the link.",
    )


CLIENT_ERRORS = {
    "invalid_client",
    "unauthorized_client",
    "invalid_client_id",
    "redirect_uri_mismatch",
    "unsupported_grant_type",
    "invalid_request",
    "invalid_scope",
}


def client_refused(code: str, provider: str, client_is_ours: bool) -> Outcome:
    if client_is_ours:
        return operator(
            code,
            f"{provider} rejects our OAuth app: its client id, secret or redirect URI is wrong.",
            "Compare the OAuth app with the provider's developer page and replace the secret.",
        )
    return customer(
        code,
        f"{provider} rejects the client id or secret that was entered.",
        "The customer must enter the client id and secret again.",
        "You must enter the client id and secret again.",
    )
