"""Outcomes for failures of a connection to a target. Pure.

Targets are the organization's own databases, so the operator must act, not a customer.
"""

import re

from sequin_admin.core.fields import DecryptionError
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.outcomes import Outcome, Verdict
from sequin_admin.syncs.connection_probe import ProbeAnswer


def operator_outcome(code: str, message: str, remedy: str) -> Outcome:
    return outcomes.operator(code, message, remedy, of_app=False)


def transient_outcome(code: str, message: str, remedy: str) -> Outcome:
    """Transient: the operator must act only when it lasts."""
    return Outcome(Verdict.TRANSIENT, code, message, remedy)


# libpq has no error codes for failures before the session starts, only its own messages and the
# server's. A server's message in another language falls through to `refused_by_server`.
ERROR_PATTERNS: tuple[tuple[str, str, Verdict, str, str], ...] = (
    (
        r"password authentication failed|no password supplied",
        "password",
        Verdict.OPERATOR,
        "{at} does not accept this username and password.",
        "Correct them.",
    ),
    (
        r'role ".*" does not exist',
        "unknown_user",
        Verdict.OPERATOR,
        "{at} knows no such user.",
        "Correct the username, or create the role.",
    ),
    (
        r'role ".*" is not permitted to log in|permission denied for database',
        "no_login",
        Verdict.OPERATOR,
        "{at} does not let this user in.",
        "Give it the right to log in and to connect to the database.",
    ),
    (
        r'database ".*" does not exist',
        "unknown_database",
        Verdict.OPERATOR,
        "There is no such database at {at}.",
        "Correct the name of the database, or create it.",
    ),
    (
        r"no encryption|SSL (connection )?is required|requires SSL|sslmode=require",
        "tls_required",
        Verdict.OPERATOR,
        "{at} does not admit this user, database and address without TLS (pg_hba.conf).",
        "Choose a TLS mode that uses it; if that is refused too, add a line for us there.",
    ),
    (
        r"pg_hba\.conf",
        "not_admitted",
        Verdict.OPERATOR,
        "{at} admits nobody with this user, database and address (pg_hba.conf).",
        "Add a line for us to pg_hba.conf.",
    ),
    (
        r"does not support SSL",
        "tls_not_offered",
        Verdict.OPERATOR,
        "{at} offers no TLS, and the TLS mode asks for it.",
        "Switch TLS on at the server, or choose another TLS mode.",
    ),
    (
        r"certificate|SSL error",
        "tls_certificate",
        Verdict.OPERATOR,
        "The certificate that {at} shows is not valid for it.",
        "Give the server a certificate of a known authority for this host, name your own "
        "authority in TARGET_CA_FILE, or choose the TLS mode require.",
    ),
    (
        r"Connection refused",
        "refused",
        Verdict.TRANSIENT,
        "Nothing answers at {at}: the port is closed.",
        "Correct host and port, or start the database.",
    ),
    (
        r"timeout|timed out",
        "timeout",
        Verdict.TRANSIENT,
        "{at} does not answer in time.",
        "Check the port, and whether a firewall lets us through.",
    ),
    (
        r"Network is unreachable|No route to host",
        "no_route",
        Verdict.TRANSIENT,
        "There is no way to {at} from here.",
        "Check the network between us and the database.",
    ),
    (
        r"too many clients|remaining connection slots|too many connections",
        "full",
        Verdict.TRANSIENT,
        "{at} has no connection left for us.",
        "Close some, or raise max_connections.",
    ),
    (
        r"starting up|shutting down|not yet accepting|in recovery mode",
        "starting",
        Verdict.TRANSIENT,
        "{at} is starting or stopping at the moment.",
        "Nothing to do unless it lasts.",
    ),
)


def unreadable_outcome(error: DecryptionError) -> Outcome:
    return operator_outcome("unreadable", str(error), "Or enter the password anew.")


def classify(answer: ProbeAnswer, at: str) -> Outcome:
    """The outcome of a test. `at` is the target's address."""
    if not answer.failure:
        return outcomes.works(server_version=answer.server_version)
    if answer.failure == "privilege":
        return missing_privilege_outcome(answer, at)
    if answer.failure == "unknown_host":
        return operator_outcome("unknown_host", answer.text, "Correct the host.")
    if answer.failure == "private":
        return operator_outcome(
            "forbidden", answer.text, "Correct the host, or add its network to that setting."
        )
    if answer.failure == "forbidden":
        return operator_outcome("forbidden", answer.text, "Correct the host.")
    if answer.failure == "unreachable":
        return outcomes.transient("unreachable", answer.text)
    if answer.failure == "too_costly":
        return too_costly_outcome(at)
    return classify_by_text(answer, at)


def classify_by_text(answer: ProbeAnswer, at: str) -> Outcome:
    text = "timeout" if answer.failure == "timeout" else answer.text
    for pattern, code, verdict, message, remedy in ERROR_PATTERNS:
        if re.search(pattern, text, re.IGNORECASE):
            return Outcome(verdict, code, message.format(at=at), remedy)
    reason = text.rpartition("FATAL:")[2].strip()
    if answer.failure == "operational" and "FATAL" in text and reason:
        return operator_outcome(
            "refused_by_server",
            f"{at} refuses us: {reason.splitlines()[0][:200]}.",
            "Ask who runs it.",
        )
    return transient_outcome(
        "broken_off",
        f"The conversation with {at} broke off.",
        "Check that PostgreSQL listens there and not something else.",
    )


def too_costly_outcome(at: str) -> Outcome:
    return operator_outcome(
        "too_costly",
        f"{at} asks for more computing time or memory than we spend on one connection.",
        "Lower scram_iterations there to 4096, set the user's password again, then test again.",
    )


def missing_privilege_outcome(answer: ProbeAnswer, at: str) -> Outcome:
    if answer.code == "read_only":
        return operator_outcome(
            answer.code,
            f"{at} is a read-only replica.",
            "Enter the address of the primary server.",
        )
    if answer.code == "no_schema":
        return operator_outcome(
            answer.code,
            f"There is no schema {answer.schema} at {at}, and our user may not make one.",
            "Create it, or let the user create schemas in the database.",
        )
    return operator_outcome(
        answer.code,
        f"Our user at {at} may not make tables in the schema {answer.schema}.",
        f"GRANT USAGE, CREATE ON SCHEMA {answer.schema} to it.",
    )
