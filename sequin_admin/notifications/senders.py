"""Sending of a delivery: by mail, as a signed webhook, or as a Slack message."""

import json
import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from standardwebhooks import Webhook

from sequin_admin.core import clock, http
from sequin_admin.core.fields import DecryptionError
from sequin_admin.notifications.message import Message
from sequin_admin.notifications.models import Channel, ChannelKind, Delivery

GONE = 410
BUSY = (429, 503)
SECTION_CHARS = 3000
JSON = {"Content-Type": "application/json"}


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


def send(delivery: Delivery) -> SendResult:
    """Make one attempt. Never raises for errors of the network or of decryption."""
    sender = SENDERS[delivery.channel.kind_choice] if delivery.channel else send_customer_mail
    try:
        return sender(delivery)
    except http.Forbidden as error:
        return SendResult(error=str(error), final=True)
    except (http.Unreachable, DecryptionError) as error:
        return SendResult(error=str(error))


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
    return post_json(channel.address, body, headers)


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


def post_json(url: str, body: str, headers: dict[str, str]) -> SendResult:
    response = http.post(url, content=body.encode(), headers={**JSON, **headers}, provider=False)
    if response.ok:
        return SendResult(response.status)
    error = http_error_message(urlsplit(url).hostname, response.status)
    return SendResult(response.status, error, retry_after_of(response))


def http_error_message(host: str | None, status: int) -> str:
    if status == GONE:
        return f"{host} answered {GONE}: it wants no more messages at this address."
    if 300 <= status < 400:
        return f"{host} answered {status}, which sends us elsewhere. Enter the final address."
    return f"{host} answered {status}."


def retry_after_of(response: http.Response) -> float:
    """`Retry-After` of a 429 or 503 in seconds; 0 without one."""
    return (response.retry_after_s or 0) if response.status in BUSY else 0


def send_channel_mail(delivery: Delivery) -> SendResult:
    """Mail to the addresses of a channel."""
    message = delivery.message
    link = {"url": message.action_url, "label": message.action_label or "Open Sequin Admin"}
    recipients = channel_of(delivery).address.split(", ")
    return send_mail(delivery, recipients, message.title, message.text, link)


def send_customer_mail(delivery: Delivery) -> SendResult:
    """Mail to a customer's contact, with the message's customer text."""
    message = delivery.message
    link = {"url": delivery.secrets.get("url", ""), "label": "Connect again"}
    return send_mail(delivery, [delivery.to], message.customer_title, message.customer_text, link)


def send_mail(
    delivery: Delivery, recipients: list[str], title: str, text: str, link: dict[str, str]
) -> SendResult:
    """Send a mail. Mails of one ordering key form a thread; a retry has the same Message-ID."""
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ")
    context = {
        "severity": delivery.message.severity,
        "title": title,
        "text": text,
        "link": link,
        "organization": delivery.organization,
        "for_customer": delivery.channel is None,
    }
    message = EmailMultiAlternatives(
        subject=" ".join(title.split()),
        body=render_to_string("notifications/mail.txt", context),
        to=recipients,
        headers={
            "Message-ID": f"<{delivery.uid.hex}@{domain}>",
            "References": f"<{delivery.ordering_key[:32]}@{domain}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    message.attach_alternative(render_to_string("notifications/mail.html", context), "text/html")
    try:
        message.send()
    except smtplib.SMTPResponseException as error:
        return SendResult(error.smtp_code, f"The mail server refused it ({error.smtp_code}).")
    except (smtplib.SMTPException, OSError) as error:
        return SendResult(error=f"The mail server did not take it ({type(error).__name__}).")
    return SendResult()


def preview(delivery: Delivery) -> str:
    """The content that is sent, as text: the JSON body, or the text of a mail."""
    message = delivery.message
    if delivery.channel is None:
        return f"{message.customer_title}\n\n{message.customer_text}"
    body_of = PREVIEWS.get(delivery.channel.kind_choice)
    return json.dumps(body_of(delivery), indent=2, ensure_ascii=False) if body_of else message.text


def channel_of(delivery: Delivery) -> Channel:
    """The delivery's channel. Raises `LookupError` for a customer's delivery."""
    if delivery.channel is None:
        raise LookupError(f"{delivery} has no channel.")
    return delivery.channel


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
