"""What an organization is told: one thing that happened, for people and for machines."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from django.db import models

TITLE_CHARS, TEXT_CHARS = 200, 2000

# Everything that can be told, and how it is called. A channel may ask for some of it only.
TYPES = {
    "incident.opened": "Incident opened",
    "incident.resolved": "Incident resolved",
    "credential.created": "Credential connected or imported",
    "credential.updated": "Credential changed",
    "credential.disabled": "Credential disabled",
    "credential.enabled": "Credential enabled",
    "credential.health_changed": "Credential's health changed",
    "credential.deleted": "Credential deleted",
    "oauth_app.created": "OAuth app added",
    "oauth_app.updated": "OAuth app changed",
    "oauth_app.health_changed": "OAuth app's health changed",
    "oauth_app.deleted": "OAuth app deleted",
    "sync.created": "Sync created",
    "sync.updated": "Sync changed",
    "sync.disabled": "Sync disabled",
    "sync.enabled": "Sync enabled",
    "sync.health_changed": "Sync's health changed",
    "sync.deleted": "Sync deleted",
    "connect_link.created": "Connect link made",
    "connect_link.opened": "Connect link opened by the customer",
    "connect_link.completed": "Connect link completed",
    "connect_link.failed": "Connect link: a try failed",
    "connect_link.revoked": "Connect link withdrawn",
}
TEST = "channel.test"


class Severity(models.TextChoices):
    """Whose move it is. Knows its rank, tone and icon; the highest rank is the most urgent."""

    INFO = "info", "For information"
    WARNING = "warning", "Customers must act"
    CRITICAL = "critical", "We must act"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)

    @property
    def audience(self) -> str:
        """What somebody is told who is told of this and all that is more urgent."""
        return {
            "info": "Everything",
            "warning": "When somebody must act",
            "critical": "Only when we must act",
        }[self]

    @property
    def tone(self) -> str:
        return {"warning": "warn", "critical": "bad"}.get(self, "idle")

    @property
    def icon(self) -> str:
        return {"warning": "user", "critical": "wrench"}.get(self, "information-circle")


@dataclass(frozen=True)
class Message:
    """`key` names what it is about: notices of one key are told in order, and one whose type ends
    in `.resolved` ends the `.opened` one before it. Both have the same severity.

    `text` says what happened, since when, whose move it is and what to do. `data` is for machines
    and never holds a secret. `to_customer` is the address of a customer's contact, who is told
    `customer_title` and `customer_text` by mail, with a button to `customer_url` (which may be a
    secret: it is kept encrypted); only of what customers can mend.
    """

    type: str
    key: str
    severity: Severity
    title: str
    text: str
    action_url: str = ""
    action_label: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    to_customer: str = ""
    customer_text: str = ""
    customer_title: str = "Please connect your account again"
    customer_url: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.type not in TYPES and self.type != TEST:
            raise ValueError(f"Nobody can ask for {self.type}: add it to TYPES.")
        if self.to_customer and (self.severity is not Severity.WARNING or not self.customer_text):
            raise ValueError("Customers are told of what they can mend only, in words for them.")

    @property
    def is_opening(self) -> bool:
        return self.type.endswith(".opened")

    @property
    def is_resolving(self) -> bool:
        return self.type.endswith(".resolved")

    def as_json(self) -> dict[str, Any]:
        """All but the customer's address and link."""
        left_out = {"to_customer", "customer_url"}
        shown = {name: value for name, value in asdict(self).items() if name not in left_out}
        return shown | {"title": self.title[:TITLE_CHARS], "text": self.text[:TEXT_CHARS]}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        return cls(**{**stored, "severity": Severity(stored["severity"])})


def type_matches(wanted: list[str], type_: str) -> bool:
    """Whether a list of types, or of groups such as `incident.*`, has this one. Empty means all."""
    group = f"{type_.partition('.')[0]}.*"
    return not wanted or type_ in wanted or group in wanted


def groups() -> dict[str, str]:
    """`{"incident.*": "Incidents", ...}`"""
    names = dict.fromkeys(name.partition(".")[0] for name in TYPES)
    words = {"oauth_app": "OAuth apps", "connect_link": "Connect links"}
    return {f"{name}.*": words.get(name, f"{name.capitalize()}s") for name in names}
