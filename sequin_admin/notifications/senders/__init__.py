"""Sending of a delivery: by mail, as a signed webhook, or as a Slack message."""

import json
from collections.abc import Callable
from typing import Any

from sequin_admin.core import http, tracing
from sequin_admin.core.fields import DecryptionError
from sequin_admin.notifications.models import ChannelKind, Delivery
from sequin_admin.notifications.senders.attempts import SendResult
from sequin_admin.notifications.senders.mail import send_channel_mail, send_customer_mail
from sequin_admin.notifications.senders.slack import send_slack, slack_message
from sequin_admin.notifications.senders.webhook import send_webhook, webhook_payload


def send(delivery: Delivery) -> SendResult:
    """Make one attempt. Never raises for errors of the network or of decryption."""
    sender = SENDERS[delivery.channel.kind_choice] if delivery.channel else send_customer_mail
    try:
        with tracing.about(attempt=delivery.attempts):
            return sender(delivery)
    except http.Forbidden as error:
        return SendResult(error=str(error), final=True)
    except (http.Unreachable, DecryptionError) as error:
        return SendResult(error=str(error))


def preview(delivery: Delivery) -> str:
    """The content that is sent, as text: the JSON body, or the text of a mail."""
    message = delivery.message
    if delivery.channel is None:
        return f"{message.customer_title}\n\n{message.customer_text}"
    body_of = PREVIEWS.get(delivery.channel.kind_choice)
    return json.dumps(body_of(delivery), indent=2, ensure_ascii=False) if body_of else message.text


SENDERS: dict[ChannelKind, Callable[[Delivery], SendResult]] = {
    ChannelKind.MAIL: send_channel_mail,
    ChannelKind.WEBHOOK: send_webhook,
    ChannelKind.SLACK: send_slack,
}
# JSON bodies, by the kinds that send JSON.
PREVIEWS: dict[ChannelKind, Callable[[Delivery], dict[str, Any]]] = {
    ChannelKind.WEBHOOK: webhook_payload,
    ChannelKind.SLACK: lambda delivery: slack_message(delivery.message),
}
