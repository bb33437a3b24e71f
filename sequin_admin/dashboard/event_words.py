"""What an audit event changed, in words: `50 per second, was 20 per second`."""

from datetime import datetime
from typing import Any

from sequin_admin.core.words import format_exact_time, write_abbreviations
from sequin_admin.credentials import kinds
from sequin_admin.limits.models import RateLimit

CHANGES = ("before", "after", "changed")
RATE = {"allowed_requests", "interval", "max_concurrent_requests"}
NOTHING = "nothing"
# What has no end of its own, as a muted cause.
NO_END = "it ends"


def describe_details(details: dict[str, Any]) -> list[str]:
    """A line for each thing that the event's details say, the change first."""
    rest = [
        f"{label_of(name)}: {format_value(name, value)}"
        for name, value in details.items()
        if name not in CHANGES
    ]
    return [*describe_change(details), *rest]


def describe_origin(address: str, user_agent: str) -> list[str]:
    """`From 203.0.113.7`, and the browser, where they are known."""
    lines = [f"From {address}"] if address else []
    return [*lines, f"With {user_agent}"] if user_agent else lines


def describe_change(details: dict[str, Any]) -> list[str]:
    before, after = details.get("before"), details.get("after")
    if isinstance(before, dict) and isinstance(after, dict):
        return describe_fields(before, after)
    lines = (
        [f"Changed: {format_value('changed', details['changed'])}"]
        if details.get("changed")
        else []
    )
    if "after" not in details:
        return [f"Was {format_value('', before)}", *lines] if "before" in details else lines
    told = format_value("", after)
    return [told if before == after else f"{told}, was {format_value('', before)}", *lines]


def describe_fields(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """One line for each field that differs."""
    if before.keys() >= RATE and after.keys() >= RATE:
        return describe_rate(before, after)
    return [
        f"{label_of(name)}: {format_value(name, after.get(name))}, "
        f"was {format_value(name, before.get(name))}"
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


def describe_rate(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """`50 per second, was 20 per second`, and the requests at once when these differ."""
    old, new = (RateLimit(**{name: rate[name] for name in RATE}) for rate in (before, after))
    lines = [] if str(old) == str(new) else [f"{new}, was {old}"]
    old_cap, new_cap = old.max_concurrent_requests, new.max_concurrent_requests
    if old_cap != new_cap:
        lines.append(f"{format_cap(new_cap)} at once, was {format_cap(old_cap)}")
    return lines


def format_cap(requests: int) -> str:
    return f"at most {requests:,}" if requests else "any number"


def label_of(name: str) -> str:
    """oauth_app_id -> OAuth app ID, former_until -> Former until."""
    words = words_of(name)
    return words[:1].upper() + words[1:]


def words_of(name: str) -> str:
    return write_abbreviations(name.replace("_", " "))


def format_value(name: str, value: object) -> str:
    """A JSON value as a person reads it; a kind or provider by its title."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "until" and value is None:
        return NO_END
    if value in (None, "", [], {}):
        return NOTHING
    if isinstance(value, list):
        return ", ".join(format_value(name, each) for each in value)
    if isinstance(value, dict):
        return ", ".join(
            f"{label_of(key)} {format_value(key, each)}" for key, each in value.items()
        )
    if isinstance(value, int):
        return f"{value:,}"
    return format_text(name, str(value))


def format_text(name: str, text: str) -> str:
    """A title, a name without underscores, or an exact time in the viewer's zone."""
    if name == "provider":
        return kinds.title_of(text)
    if name in ("kind", "kinds") and (kind := kinds.find(text)):
        return kind.full_title()
    if name in ("changed", "secrets"):
        return words_of(text)
    return format_moment(text) if name.rpartition("_")[2] in ("at", "until") else text


def format_moment(text: str) -> str:
    try:
        return format_exact_time(datetime.fromisoformat(text))
    except ValueError:
        return text
