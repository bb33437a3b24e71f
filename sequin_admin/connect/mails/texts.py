"""The texts of mails with a connect link: ours in each language, an organization's own, and what
may stand in them."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext, override

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import record_change
from sequin_admin.connect.models import MailPurpose, MailTemplate
from sequin_admin.connect.models.mails import SUBJECT_CHARS, TEXT_CHARS
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.languages import LANGUAGES

LINK = "{link}"
# What a placeholder stands for, in words for whoever writes a text.
PLACEHOLDERS = {
    "organization": "your organization's name",
    "provider": "the provider, such as HubSpot",
    "account": "the account or the link's name; the provider where neither is known",
    "expires": "when the link ends",
    "link": "the link: once, in the text",
}
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
# What mail programs make a link of: schemes, www., and names that look like a host's.
SCHEME = re.compile(
    r"[a-z][a-z0-9+.-]*:/|\bwww\.|\b(?:javascript|data|mailto|tel|sms):", re.IGNORECASE
)
HOST = re.compile(r"(?<![\w@.-])[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,24}(?![\w.-]*@)\b")
NUMBERS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
# Turns the direction of what is read, or can't be seen.
HIDDEN = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
VALUE_CHARS = 200


class BadMail(ValueError):
    """A mail can't be sent, or a text not saved. `fields` has a sentence for each field."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = fields


@dataclass(frozen=True)
class MailText:
    """The subject and text of a mail, with placeholders. `is_ours` says that nobody wrote it."""

    subject: str
    text: str
    is_ours: bool = False


def our_text(purpose: str, language: str) -> MailText:
    subject, text = TEXTS[MailPurpose(purpose)]
    with override(language):
        return MailText(gettext(subject), gettext(text), is_ours=True)


TEXTS = {
    MailPurpose.CONNECT: (
        "{organization} asks you to connect your {provider} account",
        "Hello,\n\n"
        "{organization} asks you to connect your {provider} account. It takes about a minute, and "
        "you need no login at {organization}.\n\n"
        "{link}\n\n"
        "The link is for you alone. It works once, until {expires}.\n\n"
        "Kind regards\n{organization}",
    ),
    MailPurpose.RECONNECT: (
        "Please connect your {provider} account to {organization} again",
        "Hello,\n\n"
        "{organization} no longer has access to your {provider} account ({account}). Please "
        "connect it again: it takes about a minute, and only you can do it.\n\n"
        "{link}\n\n"
        "The link is for you alone. It works once, until {expires}.\n\n"
        "Kind regards\n{organization}",
    ),
    MailPurpose.REMINDER: (
        "A reminder: {organization} waits for your {provider} account",
        "Hello,\n\n"
        "{organization} has sent you a link to connect your {provider} account, and it has not "
        "been used yet. It ends on {expires}.\n\n"
        "{link}\n\n"
        "If somebody else looks after the account, please pass this mail on to that one person.\n\n"
        "Kind regards\n{organization}",
    ),
}


def get_text(organization: Organization, purpose: str, language: str) -> MailText:
    """The organization's own text, else ours."""
    return get_texts(organization, [(purpose, language)])[purpose, language]


def get_texts(
    organization: Organization, wanted: list[tuple[str, str]]
) -> dict[tuple[str, str], MailText]:
    """As `get_text()`, for several purposes and languages in one query."""
    rows = MailTemplate.objects.of(organization).filter(purpose__in={p for p, _ in wanted})
    known = {(row.purpose, row.language): MailText(row.subject, row.text) for row in rows}
    return {each: known.get(each) or our_text(*each) for each in wanted}


@transaction.atomic
def save_template(
    organization: Organization,
    purpose: str,
    language: str,
    *,
    subject: str,
    text: str,
    actor: AnyActor,
) -> MailText:
    """Store an organization's text, which replaces ours. Raises `BadMail`."""
    if purpose not in MailPurpose.values or language not in LANGUAGES:
        raise BadMail({"text": "There are no mails of this purpose or in this language."})
    given = clean(subject, text)
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    before = get_text(organization, purpose, language)
    if (before.subject, before.text) == (given.subject, given.text):
        return before
    MailTemplate.objects.update_or_create(
        organization=organization,
        purpose=purpose,
        language=language,
        defaults={"subject": given.subject, "text": given.text, "changed_at": clock.now()},
    )
    record_change(organization, "mail_template.changed", actor, purpose=purpose, language=language)
    return given


@transaction.atomic
def remove_template(
    organization: Organization, purpose: str, language: str, *, actor: AnyActor
) -> bool:
    """Use our text again. False when it was used already."""
    rows = MailTemplate.objects.of(organization).filter(purpose=purpose, language=language)
    if not rows.delete()[0]:
        return False
    record_change(organization, "mail_template.removed", actor, purpose=purpose, language=language)
    return True


def clean(subject: str, text: str) -> MailText:
    """The text as it is stored. Raises `BadMail` unless it may be sent."""
    subject, text = subject.strip(), text.replace("\r\n", "\n").replace("\r", "\n").strip()
    wrong = {"subject": wrong_subject(subject), "text": wrong_text(text)}
    if fields := {name: sentence for name, sentence in wrong.items() if sentence}:
        raise BadMail(fields)
    return MailText(subject, text)


def wrong_subject(subject: str) -> str:
    if not subject:
        return "Write a subject."
    if len(subject) > SUBJECT_CHARS:
        return f"A subject has at most {SUBJECT_CHARS} characters; this one has {len(subject):,}."
    if has_controls(subject, ""):
        return "A subject is one line of plain text. Take out line breaks and control characters."
    if LINK in subject:
        return "The link stands in the text, not in the subject. Take {link} out of the subject."
    return wrong_words(subject)


def wrong_text(text: str) -> str:
    if not text:
        return "Write a text, with {link} where the link stands."
    if len(text) > TEXT_CHARS:
        return f"A text has at most {TEXT_CHARS:,} characters; this one has {len(text):,}."
    if has_controls(text, "\n\t"):
        return "A text is plain text. Take out its control characters."
    if text.count(LINK) != 1:
        return (
            f"Write {LINK} once, where the link stands; the text has it {text.count(LINK)} times."
        )
    return wrong_words(text)


def wrong_words(text: str) -> str:
    """Why the words of a subject or text can't be used; empty when they can."""
    unknown = [name for name in PLACEHOLDER.findall(text) if name not in PLACEHOLDERS]
    if unknown or re.search(r"[{}]", PLACEHOLDER.sub("", text)):
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        named = f"{{{unknown[0][:40]}}} is no placeholder." if unknown else "A bracket is alone."
        return f"{named} Those that are filled in are {known}."
    if other := other_link(text):
        return (
            f"{other[:60]} is or looks like another link. Customers learn to trust the one link "
            "of a mail, so there is only ours in it, where {link} stands. Take the other one out."
        )
    return ""


def has_controls(text: str, allowed: str) -> bool:
    """Whether it has characters that end a header, turn the direction or can't be seen."""
    controls = (c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp"))
    return any(c not in allowed for c in controls) or HIDDEN.search(text) is not None


def other_link(text: str) -> str:
    """The first thing in it that a mail program would make a link of; empty without one."""
    plain = unicodedata.normalize("NFKC", PLACEHOLDER.sub(" ", text))
    for pattern in (SCHEME, HOST, NUMBERS):
        if found := pattern.search(plain):
            return plain[found.start() :].split()[0]
    return ""


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled in; `{link}` stays unless it is among the values."""

    def value(found: re.Match[str]) -> str:
        return values.get(found[1], found[0])

    return PLACEHOLDER.sub(value, text)


def safe_value(text: str, *, hosts: bool = True) -> str:
    """What a name may bring into a mail: one short line, without a scheme, a path or what is
    hidden. `hosts` allows a host alone, which may be the account's own name."""
    line = HIDDEN.sub("", " ".join(text.split()))[:VALUE_CHARS]
    line = "".join(c for c in line if unicodedata.category(c) not in ("Cc", "Cs"))
    plain = unicodedata.normalize("NFKC", line)
    has_path = "/" in plain or "\\" in plain
    if SCHEME.search(plain) or (other_link(line) and (has_path or not hosts)):
        return ""
    return line.replace("{", "(").replace("}", ")")
