"""Mails with a connect link to the customer's contact: texts, sending, limit, reminders."""

from sequin_admin.connect.mails.allowance import (
    MOST_REMIND_HOURS,
    MailAllowance,
    get_allowance,
    get_mail_settings,
    left_today,
    save_mail_settings,
    too_many_message,
)
from sequin_admin.connect.mails.reminders import remind_due
from sequin_admin.connect.mails.sending import (
    MOST_PER_LINK,
    TooManyMails,
    purpose_of,
    refusal,
    send_link,
    send_links,
    usual_language,
    values_for,
)
from sequin_admin.connect.mails.texts import (
    PLACEHOLDERS,
    BadMail,
    MailText,
    clean,
    fill,
    get_text,
    our_text,
    remove_template,
    save_template,
)

__all__ = [
    "MOST_PER_LINK",
    "MOST_REMIND_HOURS",
    "PLACEHOLDERS",
    "BadMail",
    "MailAllowance",
    "MailText",
    "TooManyMails",
    "clean",
    "fill",
    "get_allowance",
    "get_mail_settings",
    "get_text",
    "left_today",
    "our_text",
    "purpose_of",
    "refusal",
    "remind_due",
    "remove_template",
    "save_mail_settings",
    "save_template",
    "send_link",
    "send_links",
    "too_many_message",
    "usual_language",
    "values_for",
]
