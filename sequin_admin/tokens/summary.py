"""What a person reads about a credential's access token. Nothing is decrypted to say it."""

from dataclasses import dataclass
from datetime import datetime

from sequin_admin.credentials.models import Credential
from sequin_admin.tokens.lifetimes import is_renewable
from sequin_admin.tokens.models import Token


@dataclass(frozen=True)
class TokenSummary:
    """`words` for a list, followed by the time `at` where there is one; `sentence` for a page."""

    words: str
    sentence: str
    at: datetime | None = None


def summarize_token(credential: Credential, token: Token | None, now: datetime) -> TokenSummary:
    """`token` is the credential's row, or None while it has none."""
    if credential.disabled_at:
        return TokenSummary("not used", "Disabled: nobody gets a token, and none is renewed.")
    if not credential.is_connected():
        missing = f"Not connected: we have no access to {credential.provider_title} to issue it."
        return TokenSummary("not connected", missing)
    issued = token if token and token.issued_at else None
    if is_renewable(credential):
        return summarize_renewed(credential, token, issued, now)
    if issued is None or issued.expires_at is None:
        return TokenSummary(credential.lasting_words, credential.lasting_sentence)
    end = "The customer must connect the account again."
    if issued.expires_at <= now:
        text = f"It has expired and can't be renewed. {end}"
        return TokenSummary("expired", text, issued.expires_at)
    text = f"It can't be renewed. Then: {end[:1].lower()}{end[1:]}"
    return TokenSummary("expires", text, issued.expires_at)


def summarize_renewed(
    credential: Credential, token: Token | None, issued: Token | None, now: datetime
) -> TokenSummary:
    provider, ends = credential.provider_title, issued.expires_at if issued else None
    if token and token.grant_refused:
        text = f"{provider} refuses to issue another one: our access there has ended."
        words = "expires" if ends and ends > now else "expired" if ends else "refused"
        return TokenSummary(words, text, ends)
    if issued is None or ends is None:
        return TokenSummary("none yet", "None is issued yet. The first use asks for one.")
    if ends <= now:
        return TokenSummary(
            "expired", "It has expired. The next use, or a worker, renews it.", ends
        )
    return TokenSummary("expires", "It is renewed before it expires.", ends)
