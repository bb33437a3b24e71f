"""The languages of what customers read: the pages of connect links, and mails to them.

Pages behind the login and the API are in English. The domain's sentences are stored in English and
translated where a customer reads them (`sentences.translate`); the catalogues are in `core/locale`.
"""

from collections.abc import Iterable
from datetime import datetime

from django.utils import formats, translation
from django.utils.translation.trans_real import parse_accept_lang_header

ENGLISH = "en"
# By code, in the language itself.
LANGUAGES = {
    ENGLISH: "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "ja": "日本語",
}
CODE_CHARS = 5


def choose_language(*wanted: str, accepted: str = "") -> str:
    """The first of `wanted` that is one of ours, else the best of an `Accept-Language` header."""
    found = next((code for code in wanted if code in LANGUAGES), "")
    return found or next(iter(accepted_languages(accepted)), ENGLISH)


def accepted_languages(header: str) -> Iterable[str]:
    """Those of ours that the header names, best first; `de-AT` counts as `de`."""
    for code, _ in parse_accept_lang_header(header):
        short = code.partition("-")[0]
        if short in LANGUAGES:
            yield short


def format_local_time(at: datetime) -> str:
    """3. November 2026 14:05 UTC: in the active language, in UTC."""
    day = formats.date_format(at, "DATE_FORMAT")
    between = " " if active_language() == "ja" else ", "
    return f"{day}{between}{at:%H:%M} UTC"


def active_language() -> str:
    """The code of the active language, if it is one of ours, else English."""
    code = (translation.get_language() or ENGLISH).partition("-")[0]
    return code if code in LANGUAGES else ENGLISH
