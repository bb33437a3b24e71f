"""Masks: what is shown in place of a secret, and may come back in its place."""

import re
from collections.abc import Mapping

from sequin_admin.core.fields import Secrets
from sequin_admin.core.wrapping import trim
from sequin_admin.credentials.properties.values import plain_value

MASK = "***********"
# What is shown in place of a secret: the mask above, X***, and first4...last4.
_MASKS = re.compile(r"\*{11}|.\*{3}|.{4}\.{3}.{4}", re.DOTALL)
MASKED = "This is a mask, and no stored secret is behind it. Send the secret itself."
ANOTHER = "This is not the mask of the stored secret. Send the secret itself, or its own mask."


class InvalidEntry(Exception):
    """What was entered can't be taken. `sentences` has the reason by property."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        super().__init__(f"Not taken: {', '.join(sentences)}.")
        self.sentences = dict(sentences)


def ends_of(secret: str) -> str:
    """first4...last4"""
    return f"{secret[:4]}...{secret[-4:]}"


def is_mask(text: str) -> bool:
    return bool(_MASKS.fullmatch(text))


def is_mask_of(text: str, secret: str) -> bool:
    """Whether the mask `text` may stand for `secret`: some masks show characters of it."""
    return "..." not in text or text == ends_of(secret)


def unmasked(secrets: Mapping[str, str], stored: Mapping[str, str]) -> dict[str, str]:
    """The secrets, with the stored ones in place of masks. Raises `InvalidEntry`."""
    result, wrong = Secrets(secrets), {}
    for name, value in secrets.items():
        if not is_mask(value):
            continue
        if name not in stored:
            wrong[name] = MASKED
        elif not is_mask_of(value, stored[name]):
            wrong[name] = ANOTHER
        else:
            result[name] = stored[name]
    if wrong:
        raise InvalidEntry(wrong)
    return result


def is_mask_in(value: object) -> bool:
    text = plain_value(value)
    return isinstance(text, str) and is_mask(trim(text))
