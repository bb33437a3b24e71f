"""The sender of mails, to people and to customers."""

import smtplib
from email.utils import formataddr, parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from sequin_admin.access.branding import get_branding
from sequin_admin.core.languages.sentences import say
from sequin_admin.core.redaction import redact
from sequin_admin.core.wrapping import one_line
from sequin_admin.notifications.message import LINK_MARK
from sequin_admin.notifications.models import Delivery
from sequin_admin.notifications.senders.attempts import SendResult, channel_of

REASON_CHARS = 200
Refusal = tuple[int, bytes | str]


def send_channel_mail(delivery: Delivery) -> SendResult:
    """Mail to the addresses of a channel."""
    message = delivery.message
    link = {"url": message.action_url, "label": message.action_label or "Open Sequin Admin"}
    recipients = channel_of(delivery).address.split(", ")
    mail = build_mail(delivery, recipients, message.title, message.text, link)
    return submit_mail(mail)


def send_customer_mail(delivery: Delivery) -> SendResult:
    """Mail to a customer's contact, with the message's customer text, in the customer's language.
    The organization is its sender, and its support gets the replies."""
    message, url = delivery.message, delivery.secrets.get("url", "")
    with translation.override(message.customer_language):
        if message.customer_plain:
            mail = build_plain_mail(delivery, url)
        else:
            link = {"url": url, "label": say("Connect again", {})}
            mail = build_mail(
                delivery, [delivery.to], message.customer_title, message.customer_text, link
            )
    sender = " ".join(delivery.organization.name.split())
    mail.from_email = formataddr((sender, parseaddr(settings.DEFAULT_FROM_EMAIL)[1]))
    support = get_branding(delivery.organization).support
    mail.reply_to = [support] if "@" in support else []
    return submit_mail(mail)


def build_plain_mail(delivery: Delivery, url: str) -> EmailMultiAlternatives:
    """The text alone, and why the customer gets it."""
    message, organization = delivery.message, delivery.organization
    why = say(
        "You get this mail because {organization} has your address as the contact for this "
        "account.",
        {"organization": organization},
    )
    body = f"{message.customer_text.replace(LINK_MARK, url)}\n\n-- \n{why}\n"
    return new_mail(delivery, [delivery.to], message.customer_title, body)


def build_mail(
    delivery: Delivery, recipients: list[str], title: str, text: str, link: dict[str, str]
) -> EmailMultiAlternatives:
    """A mail with a button to `link`, as text and as HTML."""
    context = {
        "severity": delivery.message.severity,
        "title": title,
        "text": text,
        "link": link,
        "organization": delivery.organization,
        "for_customer": delivery.channel is None,
        "language": delivery.message.customer_language,
    }
    body = render_to_string("notifications/mail.txt", context)
    mail = new_mail(delivery, recipients, title, body)
    mail.attach_alternative(render_to_string("notifications/mail.html", context), "text/html")
    return mail


def new_mail(
    delivery: Delivery, recipients: list[str], title: str, body: str
) -> EmailMultiAlternatives:
    """Mails of one ordering key form a thread; a retry has the same Message-ID."""
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ")
    return EmailMultiAlternatives(
        subject=one_line(title),
        body=body,
        to=recipients,
        headers={
            "Message-ID": f"<{delivery.uid.hex}@{domain}>",
            "References": f"<{delivery.ordering_key[:32]}@{domain}>",
            "Auto-Submitted": "auto-generated",
        },
    )


def submit_mail(mail: EmailMultiAlternatives) -> SendResult:
    """Hand a mail to the mail server, and say what it answered."""
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        return refused(*next(iter(error.recipients.values()), (None, "")))
    except smtplib.SMTPResponseException as error:
        return refused(error.smtp_code, error.smtp_error)
    except (smtplib.SMTPException, OSError) as error:
        return SendResult(error=f"The mail server did not take it ({type(error).__name__}).")
    return SendResult()


def refused(code: int | None, reason: bytes | str) -> SendResult:
    """The server's answer, as it says it."""
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    said = redact(" ".join(text.split()))[:REASON_CHARS]
    told = f"The mail server refused it ({code})" + (f": {said}" if said else ".")
    return SendResult(code, told)
