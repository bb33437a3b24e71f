"""Values of properties: the form in which they are kept."""

import re
from copy import copy
from typing import Any, get_args

from pydantic import (
    SecretStr,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from sequin_admin.core.strict_json import UNSTORABLE
from sequin_admin.core.wrapping import trim, words_in
from sequin_admin.credentials.normalizers import Normalizer

UNWRAPPED = "{title} is kept without what stood around it."
REENCODED = "{title} is kept as PKCS #8 in PEM: it is the same key."
SPACED = (
    "{title} begins or ends with white space, which is kept. If it came along by copying, enter it "
    "again without."
)


def warn_of_space(title: str, password: str) -> str:
    """A sentence about white space at an end of a password; empty when there is none."""
    return SPACED.format(title=title) if password != trim(password) else ""


def plain_value(value: object) -> object:
    """Of a secret its text, of others the value itself."""
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def normalized(normalizer: Normalizer, value: object) -> Any:
    """A text, or the words of a list, as they are kept. Others are for the types to judge."""
    if isinstance(value, list):
        parts = (words_in(each) if isinstance(each, str) else [each] for each in value)
        return [each for part in parts for each in part]
    if isinstance(value, SecretStr):
        return SecretStr(normalized(normalizer, value.get_secret_value()))
    if not isinstance(value, str) or not (bare := trim(value)):
        return value if not isinstance(value, str) else ""
    return normalizer(bare)


def is_visible(value: object) -> bool:
    """Whether there is more than white space in a password."""
    return not isinstance(value, str) or bool(trim(value))


def is_rewritten(entered: object, kept: object) -> bool:
    """Whether more than white space at the ends differs."""
    if isinstance(entered, str):
        return kept not in (entered, entered.strip())
    return bool(entered != kept) and not isinstance(entered, list)


def is_fitting(pattern: Any, text: str) -> bool:
    """Whether `text` has the declared form, if there is one, and can be stored."""
    return not UNSTORABLE.search(text) and bool(
        not pattern or re.fullmatch(pattern, text, re.ASCII)
    )


def takes_numbers(field: FieldInfo) -> bool:
    named = {field.annotation, *get_args(field.annotation)}
    return int in named and bool not in named


def needed(field: FieldInfo) -> FieldInfo:
    """A copy of the field without a default of None."""
    required = copy(field)
    if required.default is None:
        required.default = PydanticUndefined
    return required
