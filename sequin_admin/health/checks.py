"""The names of the checks, and which of them an outcome speaks about."""

from collections.abc import Mapping

from sequin_admin.credentials.outcomes import Outcome, works

# Of a credential.
AUTHENTICATION = "authentication"
IDENTITY = "identity"
SCOPES = "scopes"
THROTTLING = "throttling"
EXPIRY = "expiry"
# Of an OAuth app.
CLIENT = "client_authentication"

# An answer that passes proves all of these.
PROVEN_BY_PROBE = (AUTHENTICATION, IDENTITY, SCOPES, THROTTLING)
BY_CODE = {
    "duplicate": IDENTITY,
    "other_account": IDENTITY,
    "throttled": THROTTLING,
    "forbidden": SCOPES,
    "insufficient_scope": SCOPES,
    "MISSING_SCOPES": SCOPES,
    "ACCESS_DENIED": SCOPES,
    "INSUFFICIENT_ACCESS": SCOPES,
    "INSUFFICIENT_PERMISSION": SCOPES,
    "INVALID_PERMISSIONS": SCOPES,
    "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND": SCOPES,
    "not_authorized": SCOPES,
}


def of_probe(outcome: Outcome) -> Mapping[str, Outcome]:
    """What one probe says about each check. Who is told to slow down learns nothing of the rest;
    a lack of rights shows that the authentication works."""
    if outcome.ok:
        return dict.fromkeys(PROVEN_BY_PROBE, outcome)
    check = BY_CODE.get(outcome.code, AUTHENTICATION)
    if check == SCOPES:
        return {AUTHENTICATION: works(), check: outcome}
    return {check: outcome}
