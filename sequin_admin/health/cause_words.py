"""Causes in words: what happened to how many, and whose move it is. Pure."""

from datetime import datetime

from sequin_admin.core.words import count_words, format_time
from sequin_admin.credentials import kinds
from sequin_admin.health.checks import BY_CODE, SCOPES
from sequin_admin.health.models import Cause
from sequin_admin.health.status import Status

NOUNS = {
    "credential": "account",
    "oauth_app": "OAuth app",
    "sync": "sync",
    "consumer": "consumer",
    "target": "target",
}
DEPENDANTS = {"oauth_app": "credential", "provider": "credential"}
# What is so of many accounts, now and when it is over.
SENTENCES = {
    "refused": ("{of} refuses {many}", "{of} refused {many}"),
    "scopes": ("{of} gives too few rights to {many}", "{of} gave too few rights to {many}"),
    "ends_soon": ("Access to {many} of {of} ends soon", "Access to {many} of {of} was to end"),
    "throttled": ("{of} throttles {many}", "{of} throttled {many}"),
    "unavailable": ("{of} does not answer for {many}", "{of} did not answer for {many}"),
    "unreadable": ("{many} of {of} can't be read here", "{many} of {of} could not be read here"),
    "": ("{many} of {of} wait for us", "{many} of {of} waited for us"),
}


def size(cause: Cause) -> int:
    """How many are open, or how many there were."""
    return cause.open_incidents if cause.is_open else cause.total_incidents


def headline(cause: Cause) -> str:
    """What happened to how many: "HubSpot refuses 600 accounts"."""
    if not cause.status:
        return f"{cause.title} {'seems to be' if cause.is_open else 'was'} down"
    if cause.total_incidents == 1:
        return cause.name
    many, tense = count_words(size(cause), NOUNS.get(cause.entity, "object")), not cause.is_open
    if cause.entity != "credential":
        words = "{many} fail" if cause.is_open else "{many} failed"
        if size(cause) == 1 and cause.is_open:
            words = "{many} fails"
        of = f"{kinds.title_of(cause.provider)}: " if cause.provider else ""
        return of + words.format(many=many)
    return SENTENCES[sentence_key(cause)][tense].format(of=cause.title, many=many)


def sentence_key(cause: Cause) -> str:
    if cause.code in SENTENCES:
        return cause.code
    if BY_CODE.get(cause.code) == SCOPES:
        return "scopes"
    return "refused" if cause.status == Status.CUSTOMER else ""


def waiting_words(cause: Cause) -> str:
    """What waits for the fix besides: "412 credentials are waiting"; empty for nothing."""
    if not cause.affected:
        return ""
    noun = DEPENDANTS.get(cause.entity, "sync")
    return f"{count_words(cause.affected, noun)} {'is' if cause.affected == 1 else 'are'} waiting"


def whose_move(cause: Cause) -> str:
    """Ends a title: "HubSpot refuses 600 accounts: customers must act"."""
    if not cause.status:
        return "nothing to do"
    if cause.status == Status.SEQUIN:
        return "we must act"
    return "the customer must act" if cause.total_incidents == 1 else "customers must act"


def story(cause: Cause) -> str:
    """What happened, since when, and what waits, in sentences."""
    parts = [cause.message]
    if cause.total_incidents > 1:
        parts.append(f"{headline(cause)}; the first was {cause.name}.")
    parts.append(f"It began on {format_time(cause.opened_at)}.")
    if waiting := waiting_words(cause):
        parts.append(f"{waiting}.")
    return " ".join(parts)


def origin(cause: Cause) -> str:
    """What it was, of one that is over: nobody must act on its sentence any more."""
    return f"It had begun with this: {cause.message}"


def markdown(cause: Cause, url: str, *, at: datetime) -> str:
    """The cause as Markdown, for a chat or a ticket. No secrets."""
    state = "open" if cause.is_open else f"over since {format_time(cause.resolved_at or at)}"
    owner = f"{cause.owner.get_full_name() or cause.owner.email}" if cause.owner else "nobody yet"
    lines = [
        f"**[{escape(headline(cause))}]({url})**",
        "",
        escape(story(cause)),
        "",
        f"- Whose move: {whose_move(cause)}",
        f"- State: {state}",
        f"- Owner: {escape(owner)}",
        f"- As of {format_time(at)}",
    ]
    return "\n".join(lines)


def escape(text: str) -> str:
    """Names are others' words: they get no formatting and no links."""
    for mark in "\\`*_[]<>#|":
        text = text.replace(mark, f"\\{mark}")
    return text
