"""Schemas of channels: webhooks at /v1/webhooks, mail and Slack at /v1/channels."""

from collections.abc import Sequence
from datetime import time
from typing import Annotated, Any, Self
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, model_validator

from sequin_admin.api.framework.schemas import Body, OneOf, Shape, Timestamp
from sequin_admin.core.field_errors import contradiction
from sequin_admin.notifications.channel_addresses import URL_CHARS
from sequin_admin.notifications.message import TYPES, Severity, type_groups
from sequin_admin.notifications.models import Channel, ChannelKind

KNOWN_TYPES = [*type_groups(), *TYPES]
EventType = Annotated[str, Field(json_schema_extra={"enum": [*KNOWN_TYPES]})]
WallTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
WANTED = "Types such as incident.opened, or groups such as incident.*; empty means all."
NAME = Field(min_length=1, max_length=100)
PersonalKind = Annotated[str, OneOf(ChannelKind.MAIL, ChannelKind.SLACK)]
QUIET_HOURS = {"starts": "22:00", "ends": "07:00", "time_zone": "Europe/Berlin"}
WHERE = "Mail addresses with commas between them, or an incoming webhook URL of Slack."


def check_time_zone(name: str) -> str:
    """Raises `ValueError` for a name that IANA's list does not have."""
    if name not in available_timezones():
        raise ValueError("Send a time zone by its IANA name, such as Europe/Berlin.")
    return name


class QuietHours(Body):
    """When messages wait, by the clock on the wall; past midnight if need be."""

    starts: WallTime = Field(examples=[QUIET_HOURS["starts"]])
    ends: WallTime = Field(examples=[QUIET_HOURS["ends"]])
    time_zone: Annotated[str, AfterValidator(check_time_zone)] = "UTC"
    critical_breaks_quiet: bool = Field(
        default=True, description="What you must act on does not wait."
    )

    @model_validator(mode="after")
    def _take_some_time(self) -> Self:
        if self.starts == self.ends:
            raise contradiction({"ends": "Send another time than the one they begin at."})
        return self


class ChannelFields(Body):
    """For a new channel of any kind."""

    name: str = NAME
    event_types: list[EventType] = Field(default_factory=list, description=WANTED)
    min_severity: Severity = Severity.INFO
    quiet_hours: QuietHours | None = None
    enabled: bool = True


class ChannelChanges(Body):
    """For a change of a channel of any kind."""

    name: str | None = Field(default=None, min_length=1, max_length=100)
    event_types: list[EventType] | None = Field(default=None, description=WANTED)
    min_severity: Severity | None = None
    quiet_hours: QuietHours | None = Field(default=None, description="Null takes them away.")
    enabled: bool | None = None


class ChannelCreate(ChannelFields):
    """A new channel: mail or Slack. Webhooks have a resource of their own."""

    examples = {
        "mail": {"kind": "mail", "name": "On call", "address": "oncall@arrakis.example"},
        "slack, not at night": {
            "kind": "slack",
            "name": "Operations",
            "address": "https://hooks.slack.com/services/T00000000/B00000000/example",
            "event_types": ["incident.*"],
            "quiet_hours": QUIET_HOURS,
        },
    }

    kind: PersonalKind
    address: str = Field(min_length=1, max_length=URL_CHARS, description=WHERE)
    min_severity: Severity = Severity.WARNING


class ChannelPatch(ChannelChanges):
    """What is left out stays as it is. The kind of a channel never changes."""

    examples = {"not at night": {"quiet_hours": QUIET_HOURS}, "stop": {"enabled": False}}

    address: str | None = Field(default=None, min_length=1, max_length=URL_CHARS, description=WHERE)


class CommonShape(Shape):
    """What every channel has."""

    id: UUID
    name: str
    event_types: list[str]
    min_severity: str
    quiet_hours: QuietHours | None
    enabled: bool
    disabled_reason: str = Field(description="Why we stopped sending; empty if you did.")
    created_at: Timestamp
    updated_at: Timestamp


class ChannelShape(CommonShape):
    """A channel. Of a Slack address only the host is shown."""

    kind: PersonalKind
    address: str = Field(description="Of Slack only the host: the rest of the URL is a secret.")


class ChannelList(Shape):
    """A page of channels."""

    data: list[ChannelShape]
    next_cursor: str | None


def common_out(channel: Channel) -> dict[str, Any]:
    plain = ("name", "event_types", "min_severity", "enabled", "disabled_reason")
    return {
        "id": channel.pk,
        **{name: getattr(channel, name) for name in plain},
        "quiet_hours": quiet_out(channel),
        "created_at": channel.created_at,
        "updated_at": channel.updated_at,
    }


def channel_out(channel: Channel) -> dict[str, Any]:
    return {**common_out(channel), "kind": channel.kind, "address": channel.address}


def quiet_out(channel: Channel) -> dict[str, Any] | None:
    hours = channel.quiet_hours
    if hours is None:
        return None
    return {
        "starts": hours.starts.strftime("%H:%M"),
        "ends": hours.ends.strftime("%H:%M"),
        "time_zone": channel.time_zone,
        "critical_breaks_quiet": channel.critical_breaks_quiet,
    }


def columns_of(payload: ChannelFields | ChannelChanges, left_out: Sequence[str]) -> dict[str, Any]:
    """What was sent, as arguments of `channels.create()` and `update()`."""
    sent = payload.model_dump(exclude={"quiet_hours", *left_out}, exclude_none=True)
    if "quiet_hours" not in payload.model_fields_set:
        return sent
    quiet = payload.quiet_hours
    if quiet is None:
        return {**sent, "quiet_from": None, "quiet_until": None}
    return {
        **sent,
        "quiet_from": time.fromisoformat(quiet.starts),
        "quiet_until": time.fromisoformat(quiet.ends),
        "time_zone": quiet.time_zone,
        "critical_breaks_quiet": quiet.critical_breaks_quiet,
    }
