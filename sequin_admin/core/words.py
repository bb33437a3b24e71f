"""Times and lengths of time in words, in UTC but for exact times and those of charts; names of
columns in words."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.utils import dateformat
from django.utils.timezone import localtime

SECONDS = {"d": 86_400, "h": 3600, "min": 60, "s": 1}


def format_local_time(at: datetime) -> str:
    """3 Nov, 14:05 CET: in charts, in the viewer's time zone."""
    return dateformat.format(localtime(at), "j M, H:i T")


def format_clock_time(at: datetime, now: datetime) -> str:
    """14:05 today, else 3 Nov, 14:05: since and until when, in the viewer's time zone."""
    local = localtime(at)
    is_today = local.date() == localtime(now).date()
    return dateformat.format(local, "H:i" if is_today else "j M, H:i")


def format_day(at: datetime) -> str:
    """3 November 2026: where the hour does not matter."""
    return dateformat.format(at, "j F Y")


def format_exact_time(at: datetime) -> str:
    """3 Nov 2026, 14:05:59 CET: where seconds count, in the viewer's time zone."""
    local = localtime(at)
    # A list has two in each row: Django's own takes fifty times as long.
    return f"{local.day} {local:%b %Y, %H:%M:%S %Z}"


def format_time(at: datetime) -> str:
    """3 November 2026, 14:05 UTC: in sentences and mails."""
    return dateformat.format(at, r"j F Y, H:i \U\T\C")


def format_short_time(at: datetime) -> str:
    """3 Nov 2026, 14:05 UTC: in forms and lists."""
    return dateformat.format(at, r"j M Y, H:i \U\T\C")


def format_recent_time(at: datetime) -> str:
    """3 Nov, 14:05 UTC: where the year is clear."""
    return dateformat.format(at, r"j M, H:i \U\T\C")


def count_words(count: int, noun: str) -> str:
    """1 sync, 600 accounts"""
    plural = "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{'' if count == 1 else plural}"


ABBREVIATIONS = {each.lower(): each for each in ("OAuth", "API", "ID", "IP", "URL", "TOTP")}


def write_abbreviations(text: str) -> str:
    """oauth app -> OAuth app"""
    return re.sub(r"\w+", lambda word: ABBREVIATIONS.get(word[0].lower(), word[0]), text)


# What a browser's User-Agent names, those first that name others, too.
BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome"} | {
    "Safari/": "Safari",
    "curl/": "curl",
}
SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows"} | {
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def describe_browser(user_agent: str) -> str:
    """Firefox on Linux; of one that is not known the User-Agent itself."""
    browser = next((name for mark, name in BROWSERS.items() if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), "")
    return " on ".join(filter(None, (browser, system))) or user_agent[:80] or "Unknown"


def format_share(share: float) -> str:
    """0.824 -> 82 %. Never rounded to none or all of it: < 1 %, 99 %."""
    percent = share * 100
    if 0 < percent < 1:
        return "< 1 %"
    return f"{99 if 99 < percent < 100 else round(percent):,} %"


def format_duration(length: timedelta, units: Mapping[str, int] = SECONDS) -> str:
    """The two largest units, at least one of the smallest: 6 h 40 min."""
    least = min(units.values())
    left, words = max(round(length.total_seconds() / least), 1) * least, list[str]()
    for name, seconds in units.items():
        count, left = divmod(left, seconds)
        if count or words:
            words.append(f"{count} {name}" if count else "")
        if len(words) == 2:
            break
    return " ".join(filter(None, words))
