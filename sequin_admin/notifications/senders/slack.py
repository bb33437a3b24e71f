"""The sender of Slack messages, to incoming webhooks."""

import json
from typing import Any

from sequin_admin.notifications.message import Message
from sequin_admin.notifications.models import Delivery
from sequin_admin.notifications.senders.attempts import SendResult, channel_of
from sequin_admin.notifications.senders.posts import post_json

SECTION_CHARS = 3000


def send_slack(delivery: Delivery) -> SendResult:
    """Post to an incoming webhook of Slack, Mattermost and others."""
    body = json.dumps(slack_message(delivery.message), ensure_ascii=False)
    return post_json(channel_of(delivery).secrets["url"], body, {})


def slack_message(message: Message) -> dict[str, Any]:
    """JSON body in Slack's Block Kit."""
    title, text = escape_markup(message.title), escape_markup(message.text)
    section = f"*{title}*\n{text}"[:SECTION_CHARS]
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": section}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": message.severity.label}]},
    ]
    if message.action_url:
        label = {"type": "plain_text", "text": (message.action_label or "Open")[:75]}
        button = {"type": "button", "text": label, "url": message.action_url}
        blocks.insert(1, {"type": "actions", "elements": [button]})
    return {"text": f"{title}: {text}", "blocks": blocks}


def escape_markup(text: str) -> str:
    """Escape the three special characters of Slack's markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
