"""What a failed connection says to a person, to a customer and to another product."""

from dataclasses import replace

from sequin_admin.connect import credential_operations
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core.fields import DecryptionError
from sequin_admin.core.http import Unreachable
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.outcomes import Refused, Verdict

START_AGAIN = "Nothing was connected. Start again in a few minutes."
COMPARE_SETTINGS = (
    "Start again; if it happens twice, compare the scopes and token settings of the app at the "
    "provider with the guide."
)


def failure_message(error: Exception) -> str:
    """What happened and what to do. Nobody but the person tries again, whoever is at fault."""
    if isinstance(error, Refused):
        outcome = error.outcome
        if outcome.verdict is Verdict.TRANSIENT:
            again = COMPARE_SETTINGS if outcome.code == outcomes.UNEXPECTED else START_AGAIN
            outcome = replace(outcome, remedy=again)
        return outcome.sentence
    if isinstance(error, DecryptionError):
        return outcomes.unreadable(error).sentence
    return str(error)


def customer_message(error: Exception, link: ConnectLink) -> str:
    """The failure message for a customer, who can't see or fix our OAuth app."""
    if isinstance(error, Refused) and error.outcome.customer_remedy:
        return error.outcome.customer_sentence
    if error_code(error) == "server_error":
        return (
            f"{link.provider_title} does not accept the way {link.organization} is registered "
            f"there, so nothing was connected. It is not your fault: {link.organization} must "
            "mend it and sees the reason. Try again when they tell you."
        )
    if isinstance(error, Refused):
        return error.outcome.customer_sentence
    if isinstance(error, credential_operations.OtherAccount):
        return error.customer_sentence
    return str(error)


def error_code(error: Exception) -> str:
    """The RFC 6749 section 4.1.2.1 code that tells another product who must act."""
    if isinstance(error, Unreachable):
        return "temporarily_unavailable"
    if isinstance(error, DecryptionError):
        return "server_error"
    verdict = error.outcome.verdict if isinstance(error, Refused) else Verdict.CUSTOMER
    ours = {Verdict.TRANSIENT: "temporarily_unavailable", Verdict.OPERATOR: "server_error"}
    return ours.get(verdict, "access_denied")
