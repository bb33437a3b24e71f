"""Writes a calendar as RFC 5545 has it. Pure: values in, text out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

LINE_OCTETS = 75
CONTROLS = {number: None for number in (*range(32), 127) if number not in (9, 10)}


@dataclass(frozen=True)
class CalendarEvent:
    """An event: at a time, or on a whole day. `uid` is the same each time it is written."""

    uid: str
    at: datetime | date
    summary: str
    description: str
    url: str


def write_calendar(name: str, events: Iterable[CalendarEvent], stamp: datetime) -> str:
    """`stamp` is when the information is of."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Sequin Admin//Expiry//EN",
        "CALSCALE:GREGORIAN",
        f"NAME:{escape(name)}",
        f"X-WR-CALNAME:{escape(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT6H",
        "X-PUBLISHED-TTL:PT6H",
    ]
    for event in events:
        lines += event_lines(event, stamp)
    lines.append("END:VCALENDAR")
    return "".join(f"{folded}\r\n" for line in lines for folded in fold(line))


def event_lines(event: CalendarEvent, stamp: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{escape(event.uid)}"
    yield f"DTSTAMP:{utc(stamp)}"
    if isinstance(event.at, datetime):
        yield f"DTSTART:{utc(event.at)}"
    else:
        yield f"DTSTART;VALUE=DATE:{event.at:%Y%m%d}"
        yield f"DTEND;VALUE=DATE:{event.at + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{escape(event.summary)}"
    yield f"DESCRIPTION:{escape(event.description)}"
    yield f"URL:{event.url}"
    yield from ("TRANSP:TRANSPARENT", "END:VEVENT")


def utc(at: datetime) -> str:
    """Form 2 of section 3.3.5."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def escape(text: str) -> str:
    """A value of type TEXT, section 3.3.11. Control characters are left out: none may stand."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(CONTROLS)
    for char in "\\;,":
        text = text.replace(char, f"\\{char}")
    return text.replace("\n", "\\n")


def fold(line: str) -> Iterator[str]:
    """Lines of at most 75 octets, of which the later ones begin with a space; section 3.1.

    No character is cut in two.
    """
    part, octets = "", 0
    for char in line:
        size = len(char.encode())
        if octets + size > LINE_OCTETS:
            yield part
            part, octets = " ", 1
        part, octets = part + char, octets + size
    yield part
