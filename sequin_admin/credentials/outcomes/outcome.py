"""The outcome of a call to a provider: what happened and who must act."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.db import models

from sequin_admin.core.http import Response
from sequin_admin.core.redaction import forms_of, redact_forms
from sequin_admin.core.strict_json import storable_text

BODY_SHOWN = 2000
CODE_CHARS = 60
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


SENTENCES = ("message", "remedy", "customer_remedy")


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
    discovered: Mapping[str, object] = field(default_factory=dict)
    evidence: Mapping[str, object] = field(default_factory=dict, repr=False)

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

    def knowing(self, **discovered: Any) -> "Outcome":
        """A copy with property values that the response of a successful call has."""
        known = {name: value for name, value in discovered.items() if value is not None}
        return replace(self, discovered=known) if self.ok else self

    def without(self, secrets: Iterable[str]) -> "Outcome":
        """A copy without these secrets in what people read: a provider may repeat them."""
        clean = partial(redact_forms, forms=forms_of(secrets))
        body = clean(str(self.evidence.get("body", "")))
        return replace(
            self,
            code=clean(self.code),
            message=clean(self.message),
            remedy=clean(self.remedy),
            customer_remedy=clean(self.customer_remedy),
            evidence={**self.evidence, "body": body} if self.evidence else {},
        )


@dataclass(frozen=True)
class DraftProbe:
    """How the probe of a credential ended before it was saved, and whether its provider answered.

    `destination` and `secrets` are those it was made with.
    """

    outcome: Outcome
    answered: bool
    destination: str
    secrets: Mapping[str, object] = field(repr=False)


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


def customer_must(
    code: str, message: str, act: str, *, who: str = "The customer", you: str = "You"
) -> Outcome:
    """The remedy is one sentence, to the operator about `who`, and to the customer as `you`."""
    return customer(code, message, f"{who} must {act}", f"{you} must {act}")


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
