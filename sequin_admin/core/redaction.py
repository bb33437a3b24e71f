"""Removes secrets from texts that people read: known values first, then what looks like a secret.

Values come first, as a pattern that matches a part of a secret would leave the rest of it.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

ASTERISKS = "***********"
# Shorter values would match by chance.
MIN_CHARS = 6

# Formats of the providers' secrets. No pattern starts with what has no greatest length: looking for
# it would take a time that grows with the square of the text.
_SECRET_PATTERNS = re.compile(
    r"gh[sur]_\w+|sh(?:pat|pca|ppa|prt|pss)_\w+|(?:sk|rk)_(?:live|test)_\w+|whsec_\w+|\b(?:rt|ac)_\w{8,}"
    r"|SG\.[\w-]+\.[\w-]+|lin_(?:oauth|api)_\w+|\b(?:pat|oaa)[\w.]{14,}|00D\w{12,15}![\w.]+"
    r"|eyJ[\w-]++\.[\w-]+(?:\.[\w-]+)?"
)
_NAMES = (
    r"(?:token|secret|password|passwd|api[_-]?key|private[_-]?key|code|code_verifier"
    r"|assertion)"
)
# A name that says secret, and its value: quoted (to the end of a text that was cut off), or up to
# the next separator.
_NAMED_SECRETS = re.compile(
    rf"({_NAMES}\\?[\"']?\s*[:=]\s*)"
    r"(?:(?P<quote>\\?[\"'])(?:.+?)(?P<end>(?<!\\)(?P=quote)|\Z)|[^\"'&\s,}<]+)",
    re.IGNORECASE | re.DOTALL,
)
# An Authorization header: its scheme may stay, all after it goes.
_AUTHORIZATION = re.compile(
    r"(authorization\\?[\"']?\s*[:=]\s*\\?[\"']?(?:(?:bearer|basic|token|oauth|digest)\s+)?)"
    r"[^\"'\\\r\n&}<]+",
    re.IGNORECASE,
)
_XML_SECRETS = re.compile(
    rf"(<(?:\w+:)?(?:\w*(?=token|secret))?{_NAMES}(?:\s[^<>]*)?>)[^<]+", re.IGNORECASE
)
_SCHEMES = re.compile(r"\b(bearer|basic)\s+(?=\S*[\d_=-])[\w.~+/=-]{6,}", re.IGNORECASE)
# Names of fields and headers whose values are secret when we send them.
_SENT_SECRETS = re.compile(
    r"token|secret|pass|key|code|assertion|verifier|signature|authorization|jwt", re.IGNORECASE
)
_SENT_PUBLIC = re.compile(r"type|hint|method|challenge|version", re.IGNORECASE)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` with the given secrets, and then whatever looks like one, replaced by asterisks."""
    text = redact_values(text, secrets)
    text = _SECRET_PATTERNS.sub(ASTERISKS, text)
    text = _XML_SECRETS.sub(rf"\1{ASTERISKS}", text)
    text = _AUTHORIZATION.sub(rf"\1{ASTERISKS}", text)
    text = _NAMED_SECRETS.sub(_mask_named, text)
    return _SCHEMES.sub(rf"\1 {ASTERISKS}", text)


def _mask_named(found: re.Match[str]) -> str:
    quote, end = found["quote"] or "", found["end"] or ""
    return f"{found[1]}{quote}{ASTERISKS}{end}"


def redact_values(text: str, secrets: Iterable[str]) -> str:
    """`text` without the secrets, also where they are encoded or cut off at the end of the text."""
    return redact_forms(text, forms_of(secrets))


def forms_of(secrets: Iterable[str]) -> list[str]:
    """What to look for: the secrets, also as they are encoded, the longest first."""
    forms = {form for secret in set(secrets) for form in encoded_forms(secret)}
    return sorted(forms, key=len, reverse=True)


def redact_forms(text: str, forms: Sequence[str]) -> str:
    """As `redact_values()`, with what `forms_of()` the secrets gave."""
    for form in forms if text else ():
        # Making a pattern takes longer than to see that most texts have no secret in them.
        if f"{form}{text}".isascii() and form.lower() not in text.lower():
            continue
        text = re.sub(re.escape(form), ASTERISKS, text, flags=re.IGNORECASE)
    return _without_cut_off(text, forms)


def _without_cut_off(text: str, forms: Iterable[str]) -> str:
    """`text` without a beginning of a secret at its end, which truncation may have left there."""
    longest = 0
    for form in forms:
        starts = range(min(len(form), len(text)), MIN_CHARS - 1, -1)
        longest = max(longest, next((n for n in starts if text.endswith(form[:n])), 0))
    return text[: len(text) - longest] + ASTERISKS if longest else text


def encoded_forms(secret: str) -> Iterator[str]:
    """The secret itself, in base64 at any offset, URL-encoded, and as JSON and XML escape it.

    Nothing for one that is too short. Of a secret with several lines each line counts.
    """
    lines = secret.splitlines() if "\n" in secret else []
    for value in (secret, secret.strip(), *lines):
        if len(value.strip()) < MIN_CHARS:
            continue
        yield from (value, quote(value, safe=""), quote(value), quote_plus(value), escape(value))
        yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
        yield from _base64_forms(value.encode())


def _base64_forms(value: bytes) -> Iterator[str]:
    """What base64 makes of the value at each of the three offsets, without the characters that its
    neighbours decide: so it is found within `user:password` too."""
    for offset in range(3):
        start = -(-offset * 8 // 6)
        end = (offset + len(value)) * 8 // 6
        form = b64encode(b"\0" * offset + value).decode()[start:end]
        if len(form) >= MIN_CHARS:
            yield form
            yield form.replace("+", "-").replace("/", "_")


def secrets_in(value: object) -> Iterator[str]:
    """All texts within a JSON value of secrets, as the encrypted columns hold it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from secrets_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from secrets_in(each)


def sent_secrets(fields: Mapping[str, object]) -> Iterator[str]:
    """The secret values among form fields or headers that we send, by their names."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from sent_secrets(value)
        elif _SENT_SECRETS.search(name) and not _SENT_PUBLIC.search(name):
            yield str(value)
            # The parts of an Authorization header.
            yield from re.findall(r'[^\s",=]{16,}', str(value))
