"""What pydantic found wrong, field by field. None of it repeats what was sent."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

# Errors that a schema raises about several fields: with its own sentences, or about their form.
CONTRADICTION, MISMATCH = "contradiction", "match"


@dataclass(frozen=True)
class FieldError:
    """An error of the field at `path`. `sentence` is the schema's own, else empty."""

    path: tuple[str, ...]
    type: str
    message: str
    sentence: str = ""


def contradiction(sentences: Mapping[str, str]) -> PydanticCustomError:
    """The error to raise about several fields, with a sentence for each."""
    context = {"names": list(sentences), **sentences}
    return PydanticCustomError(CONTRADICTION, "{names}", context)


def errors_in(invalid: ValidationError) -> Iterator[FieldError]:
    return field_errors(invalid.errors(include_input=False, include_url=False))


def field_errors(details: Iterable[Mapping[str, Any]]) -> Iterator[FieldError]:
    """One error for each field, from pydantic's, of which some are about several."""
    for detail in details:
        path, type_ = tuple(map(str, detail["loc"])), detail["type"]
        context, message = detail.get("ctx", {}), f"{detail['msg']}."
        if type_ == CONTRADICTION:
            for name in context["names"]:
                yield FieldError((*path, name), type_, message, context[name])
        elif type_ == MISMATCH:
            for name in context["names"].split(","):
                yield FieldError((*path, name), type_, message)
        elif type_ == "value_error":
            yield FieldError(path, type_, message, str(context["error"]))
        else:
            yield FieldError(path, type_, message)
