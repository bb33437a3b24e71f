"""What went wrong with a target, as a sentence that repeats no row."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from dlt.pipeline.exceptions import PipelineStepFailed

from sequin_admin.client.runs import RunFailed

MOST_CAUSES = 20


@contextmanager
def target_errors() -> Iterator[None]:
    """Raises `RunFailed` for what PostgreSQL or dlt's load raised."""
    try:
        yield
    except (psycopg2.Error, PipelineStepFailed) as error:
        raise RunFailed(sentence_of(error), code="target_failed", of="target") from error


def sentence_of(error: BaseException) -> str:
    known = next((each for each in causes(error) if isinstance(each, psycopg2.Error)), None)
    if known is None:
        return f"dlt could not write to the target: {type(root_of(error)).__name__}."
    if known.pgcode is None:
        return f"The target does not answer: {str(known).strip().splitlines()[0]}"
    return f"The target refused to write: {type(known).__name__}, SQLSTATE {known.pgcode}."


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it: dlt has some as arguments."""
    found: list[BaseException | None] = [error]
    for _ in range(MOST_CAUSES):
        if not found or (each := found.pop(0)) is None:
            continue
        yield each
        found += [arg for arg in each.args if isinstance(arg, BaseException)]
        found += [getattr(each, "exception", None), each.__cause__, each.__context__]


def root_of(error: BaseException) -> BaseException:
    return [*causes(error)][-1]
