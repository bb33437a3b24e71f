"""The signed address that names organization and user in a token answer."""

import base64
import hashlib
import hmac

from sequin_admin.core.redaction import redact
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.outcomes import Outcome


def has_valid_signature(grant: TokenGrant, client_secret: str) -> bool:
    """HMAC-SHA256 over `id` and `issued_at` with the client secret, in base64."""
    message = f"{grant.raw.get('id', '')}{grant.raw.get('issued_at', '')}".encode()
    made = hmac.new(client_secret.encode(), message, hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(made), str(grant.raw.get("signature", "")).encode())


def login_host_unknown(host: str) -> Outcome:
    """The answer is signed, so it is Salesforce's: it is our list of hosts that lacks one."""
    return outcomes.operator(
        "login_host",
        f"Salesforce named the organization by {redact(host)[:80]}, which we don't know as a login "
        "host.",
        "Connect by login.salesforce.com, or test.salesforce.com for a sandbox. If it happens "
        "there, update Sequin Admin: the app's secret is right.",
        of_app=False,
    )


def signature_invalid() -> Outcome:
    return outcomes.operator(
        "signature",
        "The answer that named the Salesforce organization was not signed with our app's secret.",
        "Compare the OAuth app's consumer secret with the one in Salesforce and start again.",
    )
