"""Translates sentences of the domain, which are stored in English with their values filled in.

A msgid is a sentence with named placeholders: `{provider} answered {status}.` A sentence is found
again by the msgid whose text it has between the placeholders, so that what was stored a week ago
can be read in any language. What has no msgid, such as words of a provider, stays as it is.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from string import Formatter

from django.utils.translation import gettext

from sequin_admin.core.languages import ENGLISH, active_language, format_local_time
from sequin_admin.core.languages.catalogues import path_of, read_mo

# Where one sentence ends and the next begins.
SENTENCE_ENDS = re.compile(r"(?<=[.!?;]) ")
# What a placeholder of this name stands for is a word of ours, such as the title of a field.
WORDS_OF_OURS = frozenset({"title", "label", "text"})
ENGLISH_TIME = "%d %B %Y, %H:%M UTC"
MOST_CHARS = 1000
# How a sentence ends, but for placeholders: titles and labels are no patterns.
ENDS_AS_SENTENCE = re.compile(r"[.:?!]\s*(\{\w+\})*\Z|\{\w+\}\.\Z")


def translate(text: str) -> str:
    """The sentence, or sentences, in the active language."""
    language = active_language()
    if language == ENGLISH or not text or len(text) > MOST_CHARS:
        return text
    return translated(text, language) or text


@lru_cache(maxsize=1000)
def translated(text: str, language: str) -> str:
    """The translation; empty for a text that has none."""
    whole = gettext(text)
    if whole != text:
        return whole
    for end in SENTENCE_ENDS.finditer(text):
        head = translated_sentence(text[: end.start()], language)
        tail = translated(text[end.end() :], language) if head else ""
        if head and tail:
            return join_sentences(head, tail)
    return translated_sentence(text, language)


def join_sentences(head: str, tail: str) -> str:
    """Japanese has no space between sentences."""
    return f"{head}{'' if head.endswith('。') else ' '}{tail}"


def translated_sentence(text: str, language: str) -> str:
    """The translation of a text that one msgid says; empty without one."""
    whole = gettext(text)
    if whole != text:
        return whole
    for pattern, msgid in patterns(language):
        if found := pattern.fullmatch(text):
            values = {n: value_in(n, v, language) for n, v in found.groupdict().items()}
            return gettext(msgid).format(**values)
    return ""


def value_in(name: str, value: str, language: str) -> str:
    """A placeholder's value: translated if it is a sentence, a word or a time of ours."""
    with suppress(ValueError):
        return format_local_time(datetime.strptime(value, ENGLISH_TIME).replace(tzinfo=UTC))
    if name in WORDS_OF_OURS or " " in value:
        return translated(value, language) or value
    return value


@lru_cache(maxsize=8)
def patterns(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The msgids with placeholders, as patterns; those that say most themselves come first."""
    messages = read_mo(path_of(language, "mo").read_bytes())
    known = [m for m in messages if "{" in m and "\n" not in m and ENDS_AS_SENTENCE.search(m)]
    return tuple((pattern_of(msgid), msgid) for msgid in sorted(known, key=said_by, reverse=True))


def parts_of(msgid: str) -> Iterator[tuple[str, str | None]]:
    """Its plain text, and the name of the placeholder after it, in turn."""
    for text, name, _, _ in Formatter().parse(msgid):
        yield text, name


def said_by(msgid: str) -> int:
    return sum(len(text) for text, _ in parts_of(msgid))


def pattern_of(msgid: str) -> re.Pattern[str]:
    written, seen = "", set[str]()
    for text, name in parts_of(msgid):
        written += re.escape(text)
        if name is not None:
            written += f"(?P={name})" if name in seen else f"(?P<{name}>.*?)"
            seen.add(name)
    return re.compile(written, re.DOTALL)


def say(msgid: str, values: Mapping[str, object]) -> str:
    """A msgid in the active language with its values, as plain text."""
    return gettext(msgid).format(**values)
