"""Parses durations such as 10s."""

import re

from sequin_admin.command_line.endings import Misused

UNITS = {"": 1, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def milliseconds(text: str) -> int:
    """Milliseconds of a duration: 10_000 from 10s, 500 from 500. Raises `Misused`."""
    match = re.fullmatch(r"([0-9]{1,12})(ms|s|m|h|d|)", text.strip())
    if not match:
        raise Misused("Give a length of time with its unit: 500ms, 10s, 5m, 1h, 7d.")
    return int(match[1]) * UNITS[match[2]]
