"""Messages to an organization: one event each, for people and for programs."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from django.db import models

from sequin_admin.core.languages import ENGLISH

TITLE_CHARS, TEXT_CHARS = 200, 2000

# All event types with their titles. A channel may subscribe to some of them only.
TYPES = {
    "incident.opened": "Incident opened",
    "incident.resolved": "Incident resolved",
    "cause.opened": "Cause opened",
    "cause.grew": "Cause grew",
    "cause.resolved": "Cause resolved",
    "credential.created": "Credential connected or imported",
    "credential.updated": "Credential changed",
    "credential.disabled": "Credential disabled",
    "credential.enabled": "Credential enabled",
    "credential.health_changed": "Credential's health changed",
    "credential.deleted": "Credential deleted",
    "credential.access_ends": "Credential's access will end",
    "provider.change_near": "Change at a provider comes near",
    "oauth_app.created": "OAuth app added",
    "oauth_app.updated": "OAuth app changed",
    "oauth_app.health_changed": "OAuth app's health changed",
    "oauth_app.deleted": "OAuth app deleted",
    "oauth_app.secret_ends": "OAuth app's secret will end",
    "sync.created": "Sync created",
    "sync.updated": "Sync changed",
    "sync.disabled": "Sync disabled",
    "sync.enabled": "Sync enabled",
    "sync.paused": "Sync paused",
    "sync.resumed": "Sync resumed",
    "sync.health_changed": "Sync's health changed",
    "sync.deleted": "Sync deleted",
    "connect_link.created": "Connect link made",
    "connect_link.opened": "Connect link opened by the customer",
    "connect_link.completed": "Connect link completed",
    "connect_link.failed": "Connect link: a try failed",
    "connect_link.revoked": "Connect link withdrawn",
    "connect_link.sent": "Connect link mailed to the customer",
    "connect_link.ends": "Connect link will end unused",
    "api_key.ends": "API key will end",
    "invitation.ends": "Invitation will end",
}
TEST, LINK_MAIL = "channel.test", "connect_link.sent"
# Where the address stands in the text of a mail that has no button.
LINK_MARK = "{link}"
# The audience of messages of which there is one for each of a thousand rows with one fault.
PROGRAMS = "programs"


class Severity(models.TextChoices):
    """Severity of a message, by who must act, with a rank (highest is most urgent), tone, icon."""

    INFO = "info", "For information"
    WARNING = "warning", "Somebody must act"
    CRITICAL = "critical", "We must act"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)

    @property
    def audience(self) -> str:
        """Label of a channel that gets messages of this severity and above."""
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
    """A message about one event. Raises `ValueError` for an unknown type or a wrong customer mail.

    `key` names the subject: messages with one key are sent in order, and a type that ends in
    `.resolved` ends the `.opened` one before it, with the same severity. `text` says what happened,
    since when, who must act and what to do. `data` is for programs and never holds secrets. With
    the `audience` `PROGRAMS` it goes to channels that programs read; else to all.

    `to_customer` is the address of a customer's contact, who gets a mail with `customer_title`,
    `customer_text` and a button to `customer_url` (maybe a secret, so it is stored encrypted); only
    with severity `warning`. With `customer_plain` the mail is the text alone, with the address
    where `{link}` stands.
    """

    type: str
    key: str
    severity: Severity
    title: str
    text: str
    audience: str = ""
    action_url: str = ""
    action_label: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    to_customer: str = ""
    customer_text: str = ""
    customer_title: str = "Please connect your account again"
    customer_url: str = field(default="", repr=False)
    customer_language: str = ENGLISH
    customer_plain: bool = False

    def __post_init__(self) -> None:
        if self.type not in TYPES and self.type != TEST:
            raise ValueError(f"Nobody can ask for {self.type}: add it to TYPES.")
        if self.to_customer and (self.severity is not Severity.WARNING or not self.customer_text):
            raise ValueError("Customers are told of what they can mend only, in words for them.")

    @property
    def is_resolving(self) -> bool:
        return self.type.endswith(".resolved")

    def as_json(self) -> dict[str, Any]:
        """All fields but the customer's address and link, which may be secret."""
        left_out = {"to_customer", "customer_url"}
        shown = {name: value for name, value in asdict(self).items() if name not in left_out}
        return shown | {"title": self.title[:TITLE_CHARS], "text": self.text[:TEXT_CHARS]}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        return cls(**{**stored, "severity": Severity(stored["severity"])})


def type_matches(wanted: list[str], type_: str) -> bool:
    """Whether a list of types, or of groups such as `incident.*`, has `type_`. Empty means all."""
    group = f"{type_.partition('.')[0]}.*"
    return not wanted or type_ in wanted or group in wanted


def type_groups() -> dict[str, str]:
    """Labels of all groups of types: `{"incident.*": "Incidents", ...}`."""
    names = dict.fromkeys(name.partition(".")[0] for name in TYPES)
    words = {
        "oauth_app": "OAuth apps",
        "connect_link": "Connect links",
        "api_key": "API keys",
    }
    return {f"{name}.*": words.get(name, f"{name.capitalize()}s") for name in names}
