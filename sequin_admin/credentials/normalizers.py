"""Normalizers: bring entered text into the form in which a property is kept.

A form that can't be read is returned as it came: the property's pattern refuses it. Where more can
be said, `ValueError` has the sentence, which never repeats what was entered.
"""

import re
from collections.abc import Callable
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from sequin_admin.core.wrapping import unwrapped, words_in

Normalizer = Callable[[str], str]

_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s-](?=\d)|(?<=\d),(?=\d{3}(?:\D|\Z))")
_PORTS = {"https": 443, "http": 80, "": 443}


def pasted_key(pattern: str) -> Normalizer:
    """Unwraps quotes, `NAME=value` and `Bearer value` around a key of this pattern."""

    def normalize(text: str) -> str:
        bare = unwrapped(text)
        return bare if re.fullmatch(pattern, bare, re.ASCII) else text

    return normalize


def digits(text: str) -> str:
    """A number without the spaces, dashes and commas between its digits."""
    return _BETWEEN_DIGITS.sub("", text)


def number_named(*names: str) -> Normalizer:
    """The number that has one of the names in an address or an assignment: `?portalId=21902692`.
    Other texts as `digits()`."""
    named = re.compile(
        rf"(?<![A-Za-z])(?:{'|'.join(names)})[\"']?\s*[=:]\s*[\"']?(\d+)(?!\w)", re.IGNORECASE
    )

    def normalize(text: str) -> str:
        found = named.search(text)
        return found[1] if found else digits(text)

    return normalize


def words(separator: str) -> Normalizer:
    """The words of a list in any form, joined with `separator`."""
    return lambda text: separator.join(words_in(text))


def instant(text: str) -> str:
    """A date or time without a time zone is in UTC, and says so."""
    try:
        at = datetime.fromisoformat(text) if "-" in text else None
    except ValueError:
        return text
    return f"{at.isoformat()}Z" if at and at.tzinfo is None else text


def one_of(*values: str) -> Normalizer:
    """The value that is the same but for its case."""
    by_lower = {value.lower(): value for value in values}
    return lambda text: by_lower.get(text.lower(), text)


def address_of(text: str) -> SplitResult | None:
    """The parts of a host or http address, its host in lower case; None when it is neither.

    An address with a user name or another port may lead elsewhere than it looks, and the host of
    `https:/acme.com` would be its scheme.
    """
    if re.search(r"[\s\\]", text) or not text.isascii():
        return None
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        usual = parts.scheme in _PORTS and parts.port in (None, _PORTS[parts.scheme])
    except ValueError:
        return None
    if not usual or not parts.hostname or "@" in parts.netloc or parts.netloc.endswith(":"):
        return None
    return parts._replace(netloc=parts.hostname.rstrip("."))


def host(text: str) -> str:
    """`acme.example.com` of the host in any case, or of an address with it."""
    parts = address_of(text)
    return parts.netloc if parts else text


def host_under(suffix: str) -> Normalizer:
    """As `host()`; a first label alone stands for the host that ends with `suffix`."""

    def normalize(text: str) -> str:
        found = host(text)
        return f"{found}{suffix}" if re.fullmatch(r"[a-z0-9][a-z0-9-]*", found) else found

    return normalize


def origin(text: str) -> str:
    """`https://acme.example.com` of the host in any case, or of an address with it."""
    parts = address_of(text)
    return f"https://{parts.netloc}" if parts else text


def origin_under(suffix: str) -> Normalizer:
    """As `origin()`; a first label alone stands for the host that ends with `suffix`."""
    find = host_under(suffix)

    def normalize(text: str) -> str:
        return origin(find(text))

    return normalize


def segments(parts: SplitResult) -> list[str]:
    """The path of an address in its parts."""
    return [part for part in parts.path.split("/") if part]
