"""The net around everything that reads a provider's answer.

An answer that lacks or mistypes a value makes the reading code fail with one of Python's own
exceptions. Here that becomes an outcome with the answer as evidence.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

import structlog

from sequin_admin.core import http, tracing
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.outcomes import Outcome, Refused
from sequin_admin.credentials.row import CredentialRow

log = structlog.get_logger(__name__)
# A kind, or a credential of it.
AnyKind = CredentialRow | type[CredentialRow]
Classifier: TypeAlias = "classmethod[CredentialRow, [Response], Outcome]"
# What reading a value of another type or form than expected raises.
MISREAD = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
LONGEST_LIFE_S = 999_999_999
# The methods of a kind that read answers. `Credential` wraps each of them in a net.
READERS = ("probe", "collections", "mint", "exchange_token", "identify", "revoke")
# Those that judge one response. `Credential` adds it as evidence.
CLASSIFIERS = ("classify", "classify_token_error")


@contextmanager
def reading_answers(
    kind: AnyKind, response: Response | None = None
) -> Iterator[Sequence[Response]]:
    """Raise `Refused` when the code within fails on what an answer contains.

    The answer is the newest that arrived within, else `response`. Without one the error is ours.
    Yields the newest answer in a sequence, which is empty until there is one.
    """
    about = tracing.about(provider=kind.provider, kind=kind.slug)
    with about, http.last_response() as newest:
        try:
            yield newest
        except MISREAD as error:
            answer = newest[-1] if newest else response
            if answer is None:
                raise
            log.warning("unexpected answer", kind=kind.slug, error=describe(error))
            raise Refused(outcomes.unexpected_answer(kind.provider_title, answer)) from None


def describe(error: BaseException) -> str:
    """The type of an exception and where it was raised. Its text may quote a secret."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    code = place.tb_frame.f_code if place else None
    where = f" in {code.co_qualname}, line {place.tb_lineno}" if code and place else ""
    return f"{type(error).__name__}{where}"


def netted(reader: Any) -> Any:
    """`reader`, a method or class method of a kind, in a net."""
    if isinstance(reader, classmethod):
        return classmethod(netted(reader.__func__))

    @functools.wraps(reader)
    def wrapped(kind: Any, *args: Any, **kwargs: Any) -> Any:
        with reading_answers(kind):
            result = reader(kind, *args, **kwargs)
            return validated(kind, result) if isinstance(result, Outcome) else result

    return wrapped


def evident(classifier: Classifier) -> Classifier:
    """`classifier` of a kind, with the response as evidence of what went wrong."""

    @functools.wraps(classifier.__func__)
    def wrapped(kind: type[CredentialRow], response: Response) -> Outcome:
        outcome = classifier.__func__(kind, response)
        return outcome if outcome.ok or outcome.evidence else outcome.with_evidence(response)

    return classmethod(wrapped)


def validated(kind: AnyKind, outcome: Outcome) -> Outcome:
    """With valid property values as discovered. Raises pydantic's `ValidationError`."""
    if not outcome.discovered:
        return outcome
    return replace(outcome, discovered=kind.properties_class.valid_values(outcome.discovered))


def text_of(value: object) -> str:
    """The value if it is a text and not blank, else ""."""
    return value if isinstance(value, str) and value.strip() else ""


def whole_seconds(value: object) -> int | None:
    """A lifetime in seconds, from a number or a text that spells one; None for anything else.

    At least 0 and at most 31 years. Fractions are dropped.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(seconds) else int(min(max(seconds, 0), LONGEST_LIFE_S))
