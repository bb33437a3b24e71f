"""How a notice leaves: by mail, as a signed webhook, or in Slack's words."""

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
    """What came of one try. `error` is a sentence, empty when it was taken.

    After a `final` one no other try can help; `gone` means that the receiver wants no more.
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
    """One try."""
    sender = SENDERS[ChannelKind(delivery.channel.kind)] if delivery.channel else to_customer
    try:
        return sender(delivery)
    except http.Forbidden as error:
        return SendResult(error=str(error), final=True)
    except (http.Unreachable, DecryptionError) as error:
        return SendResult(error=str(error))


def webhook(delivery: Delivery) -> SendResult:
    """https://www.standardwebhooks.com: signed with each secret that is in use."""
    channel, now = channel_of(delivery), clock.now()
    body = json.dumps(payload(delivery), separators=(",", ":"), ensure_ascii=False)
    signed = [
        Webhook(secret).sign(delivery.message_id, now, body)
        for secret in channel.signing_secrets(now)
    ]
    headers = {
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signed),
    }
    return post(channel.address, body, headers)


def payload(delivery: Delivery) -> dict[str, Any]:
    """What a webhook's receiver reads. `object` is what it is about."""
    notice = delivery.told
    return {
        "type": notice.type,
        "timestamp": delivery.created_at.isoformat().replace("+00:00", "Z"),
        "data": {
            "organization_id": str(delivery.organization_id),
            "key": notice.key,
            "severity": notice.severity.value,
            "title": notice.title,
            "text": notice.text,
            "url": notice.action_url,
            "object": notice.data,
        },
    }


def slack(delivery: Delivery) -> SendResult:
    """An incoming webhook as Slack, Mattermost and others take it."""
    body = json.dumps(slack_message(delivery.told), ensure_ascii=False)
    return post(channel_of(delivery).secrets["url"], body, {})


def slack_message(notice: Message) -> dict[str, Any]:
    title, text = escaped(notice.title), escaped(notice.text)
    words = f"*{title}*\n{text}"[:SECTION_CHARS]
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": words}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": notice.severity.label}]},
    ]
    if notice.action_url:
        label = {"type": "plain_text", "text": (notice.action_label or "Open")[:75]}
        button = {"type": "button", "text": label, "url": notice.action_url}
        blocks.insert(1, {"type": "actions", "elements": [button]})
    return {"text": f"{title}: {text}", "blocks": blocks}


def escaped(text: str) -> str:
    """The three characters with a meaning of their own in Slack's markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def post(url: str, body: str, headers: dict[str, str]) -> SendResult:
    answer = http.post(url, content=body.encode(), headers={**JSON, **headers}, provider=False)
    if answer.ok:
        return SendResult(answer.status)
    host = urlsplit(url).hostname
    return SendResult(answer.status, complaint(host, answer.status), asked_pause(answer))


def complaint(host: str | None, status: int) -> str:
    if status == GONE:
        return f"{host} answered {GONE}: it wants no more messages at this address."
    if 300 <= status < 400:
        return f"{host} answered {status}, which sends us elsewhere. Enter the final address."
    return f"{host} answered {status}."


def asked_pause(answer: http.Response) -> float:
    asked = answer.headers.get("retry-after", "")
    busy = answer.status in BUSY and asked.isdecimal() and asked.isascii()
    return float(asked) if busy else 0


def mail(delivery: Delivery) -> SendResult:
    """To the organization's own people."""
    notice = delivery.told
    link = {"url": notice.action_url, "label": notice.action_label or "Open Sequin Admin"}
    recipients = channel_of(delivery).address.split(", ")
    return send_mail(delivery, recipients, notice.title, notice.text, link)


def to_customer(delivery: Delivery) -> SendResult:
    """To a customer's contact, in words for customers."""
    notice = delivery.told
    link = {"url": delivery.secrets.get("url", ""), "label": "Connect again"}
    return send_mail(delivery, [delivery.to], notice.customer_title, notice.customer_text, link)


def send_mail(
    delivery: Delivery, recipients: list[str], title: str, text: str, link: dict[str, str]
) -> SendResult:
    """Mails of one lane make one conversation; a second try has the same id."""
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ")
    context = {
        "severity": delivery.told.severity,
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
    """What the receiver reads, as text."""
    notice = delivery.told
    if delivery.channel is None:
        return f"{notice.customer_title}\n\n{notice.customer_text}"
    shown = SHOWN.get(ChannelKind(delivery.channel.kind))
    return json.dumps(shown(delivery), indent=2, ensure_ascii=False) if shown else notice.text


def channel_of(delivery: Delivery) -> Channel:
    """The channel of a delivery that has one."""
    if delivery.channel is None:
        raise LookupError(f"{delivery} has no channel.")
    return delivery.channel


SENDERS: dict[ChannelKind, Callable[[Delivery], SendResult]] = {
    ChannelKind.MAIL: mail,
    ChannelKind.WEBHOOK: webhook,
    ChannelKind.SLACK: slack,
}
# What is sent as JSON.
SHOWN: dict[ChannelKind, Callable[[Delivery], dict[str, Any]]] = {
    ChannelKind.WEBHOOK: payload,
    ChannelKind.SLACK: lambda delivery: slack_message(delivery.told),
}
