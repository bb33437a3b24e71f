"""The sender of webhooks, signed as https://www.standardwebhooks.com has it."""

import json
from typing import Any

from standardwebhooks import Webhook

from sequin_admin.core import clock
from sequin_admin.notifications.models import Delivery
from sequin_admin.notifications.senders.attempts import SendResult, channel_of
from sequin_admin.notifications.senders.posts import post_json


def send_webhook(delivery: Delivery) -> SendResult:
    """Send as https://www.standardwebhooks.com, signed with each valid secret."""
    channel, now = channel_of(delivery), clock.now()
    body = json.dumps(webhook_payload(delivery), separators=(",", ":"), ensure_ascii=False)
    signatures = [
        Webhook(secret).sign(delivery.message_id, now, body)
        for secret in channel.signing_secrets(now)
    ]
    headers = {
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return post_json(channel.address, body, headers, pass_trace=True)


def webhook_payload(delivery: Delivery) -> dict[str, Any]:
    """JSON body of a webhook. `object` is the message's `data`."""
    message = delivery.message
    return {
        "type": message.type,
        "timestamp": delivery.created_at.isoformat().replace("+00:00", "Z"),
        "data": {
            "organization_id": str(delivery.organization_id),
            "key": message.key,
            "severity": message.severity.value,
            "title": message.title,
            "text": message.text,
            "url": message.action_url,
            "object": message.data,
        },
    }
