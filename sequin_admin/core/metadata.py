"""Bounds of the metadata that users keep on rows. Checked where it comes in: what was stored before
stays readable."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError

METADATA_BYTES = 16 * 1024
METADATA_LEVELS = 10
TOO_DEEP = f"Metadata may be nested {METADATA_LEVELS} levels deep. Flatten it."
TOO_LONG = (
    f"Metadata may have up to {METADATA_BYTES:,} bytes of JSON. Keep the rest in a system of your "
    "own, and its id here."
)


def check_metadata(value: dict[str, Any]) -> dict[str, Any]:
    """The value. Raises `ValueError` with a sentence when it is too long or nested too deeply."""
    if is_deeper(value, METADATA_LEVELS):
        raise ValueError(TOO_DEEP)
    if len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) > METADATA_BYTES:
        raise ValueError(TOO_LONG)
    return value


def is_deeper(value: object, levels: int) -> bool:
    """Whether objects and lists are nested more than `levels` deep."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, Sequence) or isinstance(value, str):
        return False
    return levels == 0 or any(is_deeper(each, levels - 1) for each in value)


def validate_metadata(value: dict[str, Any]) -> None:
    """As `check_metadata()`, for forms and model fields."""
    try:
        check_metadata(value)
    except ValueError as error:
        raise ValidationError(str(error)) from None
