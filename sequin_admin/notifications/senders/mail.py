"""The sender of mails, to people and to customers."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from sequin_admin.notifications.models import Delivery
from sequin_admin.notifications.senders.attempts import SendResult, channel_of


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
