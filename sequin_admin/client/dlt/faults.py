"""What went wrong with a source or a target, as a sentence that repeats no row."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import requests
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


@contextmanager
def source_errors() -> Iterator[None]:
    """Raises `RunFailed` for a call that was refused, or had no answer."""
    try:
        yield
    except requests.RequestException as error:
        if error.response is not None:
            raise refused(error.response) from error
        said = f"The provider did not answer: {type(error).__name__}."
        raise RunFailed(said, owner="nobody", code="no_answer") from error


def refused(answer: requests.Response) -> RunFailed:
    """Without the query, which may name a record."""
    address = str(answer.url).partition("?")[0]
    said = f"The provider answered {answer.status_code} {answer.reason} for {address}."
    owner = "nobody" if answer.status_code >= 500 or answer.status_code == 429 else "operator"
    return RunFailed(said, owner=owner, code=f"http_{answer.status_code}")


def sentence_of(error: BaseException) -> str:
    known = next((each for each in causes(error) if isinstance(each, psycopg2.Error)), None)
    if known is None:
        return f"dlt could not write to the target: {type(root_of(error)).__name__}."
    if known.pgcode is None:
        said = str(known).strip().splitlines() or [type(known).__name__]
        return f"The target does not answer: {said[0].rstrip('.')}."
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
