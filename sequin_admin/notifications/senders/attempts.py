"""What an attempt to send is about and what it gives: a channel, and a result."""

from dataclasses import dataclass

from sequin_admin.notifications.models import Channel, Delivery

GONE = 410


@dataclass(frozen=True)
class SendResult:
    """Result of one attempt. `error` is a sentence, empty on success.

    A `final` error must not be retried; `gone` (410) means that the channel must be disabled.
    """

    status: int | None = None
    error: str = ""
    retry_after_s: float = 0
    final: bool = False

    @property
    def ok(self) -> bool:
        return not self.error

    @property
    def gone(self) -> bool:
        return self.status == GONE


def channel_of(delivery: Delivery) -> Channel:
    """The delivery's channel. Raises `LookupError` for a customer's delivery."""
    if delivery.channel is None:
        raise LookupError(f"{delivery} has no channel.")
    return delivery.channel
