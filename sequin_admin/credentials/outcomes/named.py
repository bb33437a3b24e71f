"""Outcomes that do not depend on how a provider words its response."""

from collections.abc import Iterable

from django.template.defaultfilters import pluralize

from sequin_admin.core.fields import DecryptionError
from sequin_admin.core.http import Response
from sequin_admin.credentials.outcomes.outcome import Outcome, customer, operator, transient

UNEXPECTED = "unexpected_answer"


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
