"""Outcomes of calls to a provider: what happened and who must act. See providers.md section 16."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from django.db import models
from django.template.defaultfilters import pluralize

from sequin_admin.core import clock
from sequin_admin.core.fields import DecryptionError
from sequin_admin.core.http import Response
from sequin_admin.core.redaction import redact, redact_values
from sequin_admin.core.strict_json import storable_text

BODY_SHOWN = 2000
CODE_CHARS = 60
LONGEST_WAIT_S = 86_400.0
# A provider that is down may be back sooner than it thinks.
LONGEST_OUTAGE_WAIT_S = 3600.0
# How an API, or a proxy before it, refuses access.
PAGE_STATUSES = (401, 403, 407)
REQUEST_IDS = (
    "x-request-id",
    "request-id",
    "x-github-request-id",
    "intuit_tid",
    "x-hubspot-correlation-id",
)


class Verdict(models.TextChoices):
    """Who must act after a call."""

    OK = "ok", "Works"
    CUSTOMER = "customer", "The customer must act"
    OPERATOR = "operator", "We must act"
    TRANSIENT = "transient", "Nobody must act yet"
    REFRESH = "refresh", "The access token must be renewed first"


UNEXPECTED = "unexpected_answer"
SENTENCES = ("message", "remedy", "customer_remedy")
BLAMELESS = (Verdict.OK, Verdict.TRANSIENT)


@dataclass(frozen=True)
class Outcome:
    """The classified result of one call.

    `message` says what happened, `remedy` what to do, both as sentences without secrets for the
    operator. `customer_remedy` is the remedy in words to the customer; "" where `remedy` is.
    `discovered` are property values in the response (`hub_id`...). `of_app` says that the OAuth
    app is at fault, not this credential, `proves_app` that the provider took the app's signature
    on this call, whatever it answered. `retry_after_s` is the wait that the provider asks for, in
    seconds. `evidence` is what `evidence()` returns.
    """

    verdict: Verdict
    code: str = "ok"
    message: str = ""
    remedy: str = ""
    customer_remedy: str = ""
    of_app: bool = False
    proves_app: bool = False
    retry_after_s: float | None = None
    discovered: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Code and sentences may quote an answer, so they are made to fit where they are stored."""
        object.__setattr__(self, "code", storable_text(self.code)[:CODE_CHARS])
        for name in SENTENCES:
            object.__setattr__(self, name, storable_text(getattr(self, name)))

    @property
    def ok(self) -> bool:
        return self.verdict is Verdict.OK

    @property
    def sentence(self) -> str:
        """What happened and what to do, for the operator."""
        return f"{self.message} {self.remedy}".strip()

    @property
    def customer_sentence(self) -> str:
        """The same for the customer, who is at our page and can try again."""
        return f"{self.message} {self.customer_remedy or self.remedy}".strip()

    def with_evidence(self, response: Response) -> "Outcome":
        """A copy with the redacted response as evidence."""
        return replace(self, evidence=evidence(response))

    def without(self, secrets: Iterable[str]) -> "Outcome":
        """A copy without these secrets in what people read: a provider may repeat them."""
        known = tuple(secrets)
        shown = {n: redact_values(getattr(self, n), known) for n in ("code", *SENTENCES)}
        body = redact_values(str(self.evidence.get("body", "")), known)
        evidence = {**self.evidence, "body": body} if self.evidence else {}
        return replace(self, **shown, evidence=evidence)  # type: ignore[arg-type]


class Refused(Exception):
    """A call did not succeed. `outcome` has the details; `str()` is its message.

    `refresh_token` is one that came with an answer that is of no other use.
    """

    def __init__(self, outcome: Outcome, *, refresh_token: str = "") -> None:
        super().__init__(outcome.message)
        self.outcome, self.refresh_token = outcome, refresh_token


def works(**discovered: Any) -> Outcome:
    known = {name: value for name, value in discovered.items() if value is not None}
    return Outcome(Verdict.OK, discovered=known)


def customer(code: str, message: str, remedy: str, customer_remedy: str = "") -> Outcome:
    return Outcome(Verdict.CUSTOMER, code, message, remedy, customer_remedy)


def operator(
    code: str, message: str, remedy: str, customer_remedy: str = "", *, of_app: bool = True
) -> Outcome:
    return Outcome(Verdict.OPERATOR, code, message, remedy, customer_remedy, of_app=of_app)


def transient(code: str, message: str, *, retry_after_s: float | None = None) -> Outcome:
    remedy = "Nothing to do: we try again by ourselves."
    again = "Try again in a minute."
    return Outcome(Verdict.TRANSIENT, code, message, remedy, again, retry_after_s=retry_after_s)


def expired(code: str, message: str) -> Outcome:
    return Outcome(Verdict.REFRESH, code, message, "Nothing to do: we renew the access token.")


def evidence(response: Response) -> dict[str, Any]:
    """What may be shown of a response: status, redacted start of the body, request id."""
    request_id = next((response.headers[n] for n in REQUEST_IDS if n in response.headers), "")
    return {
        "status": response.status,
        "body": response.excerpt(BODY_SHOWN),
        "request_id": request_id,
    }


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


def unreadable(error: DecryptionError) -> Outcome:
    """The stored secrets can't be decrypted; nothing was sent to the provider."""
    remedy = "Put the missing key back, or reconnect: that stores the secrets anew."
    return operator("unreadable", str(error), remedy, of_app=False)


def unknown_host(provider: str, message: str) -> Outcome:
    """The host that the customer entered does not exist (no DNS record)."""
    return customer(
        "unknown_host",
        f"{message} So the address entered for {provider} is wrong.",
        "The customer must correct it; if it once was right, the account was closed or moved.",
        "You must correct it; if it once was right, the account was closed or moved.",
    )


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


def clock_wrong(provider: str, ahead_s: float | None, *, of_app: bool) -> Outcome:
    """The provider refuses a signature because of the time in it."""
    minutes = round(abs(ahead_s or 0) / 60, 1)
    way = "ahead of" if (ahead_s or 0) > 0 else "behind"
    by = (
        f"about {minutes:g} minute{pluralize(minutes)} {way} {provider}'s"
        if minutes
        else f"not {provider}'s"
    )
    return operator(
        "clock",
        f"{provider} refuses the time in our signature: this server's clock is {by}.",
        "Check this server's clock and set it right, best by NTP. No key or secret is wrong.",
        of_app=of_app,
    )


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


def unexpected_answer(
    provider: str, response: Response | None = None, names: Iterable[str] = ()
) -> Outcome:
    """An answer that lacks a value that we need, or has one of another type or form.

    `names` are the properties that it was to bring.
    """
    needed = ", ".join(names)
    message = (
        f"{provider} sent an answer that lacks what we need from it, or has it in another form"
        f"{needed and ': '}{needed}."
    )
    outcome = transient(UNEXPECTED, message)
    return outcome.with_evidence(response) if response else outcome


def too_many_pages(provider: str) -> Outcome:
    """A list that has more pages than we read, or takes longer."""
    message = f"{provider} has a list with so many pages that we stopped reading it."
    return transient("too_many_pages", message)


def our_mistake() -> Outcome:
    """Our own code failed."""
    return operator(
        "our_mistake",
        "Something went wrong here, and it is not your fault. Nothing was connected.",
        "Start again; if it happens twice, the operator finds the reason in the server's log.",
        "Start again; if it happens twice, tell whoever sent you the link.",
        of_app=False,
    )


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


def timed_out(provider: str) -> Outcome:
    """The connect session ended while the person was at the provider."""
    return customer(
        "timed_out",
        f"The login at {provider} took more than ten minutes, so nothing was connected.",
        "Start again; nothing else is wrong.",
    )


def no_app(provider: str) -> Outcome:
    """The credential has no OAuth app, which its tokens need to be renewed."""
    return operator(
        "no_oauth_app",
        f"This credential has no OAuth app, so its access at {provider} can't be renewed.",
        "Add the OAuth app its tokens were issued to and reconnect it, or import it again with "
        "that app.",
        of_app=False,
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
