"""What the client does, decided without I/O: the same for threads and for asyncio.

A plan is a generator of calls that it does not make itself. A driver makes each, and sends the
result into the plan or throws the error. Requests, retries and waits are decided in plans only.
"""

from collections.abc import Callable, Generator
from functools import partial
from typing import Any, TypeAlias, TypeVar

Result = TypeVar("Result")
# A call without arguments: its result, or for asyncio an awaitable of that.
Call: TypeAlias = Callable[[], Any]
Plan: TypeAlias = Generator[Call, Any, Result]


def run(plan: Plan[Result]) -> Result:
    """Carry out a plan in this thread."""
    resume: Call = partial(next, plan)
    while True:
        try:
            call = resume()
        except StopIteration as finished:
            result: Result = finished.value
            return result
        try:
            resume = partial(plan.send, call())
        except BaseException as error:
            resume = partial(plan.throw, error)


async def run_async(plan: Plan[Result]) -> Result:
    """Carry out a plan of awaitable calls in this task."""
    resume: Call = partial(next, plan)
    while True:
        try:
            call = resume()
        except StopIteration as finished:
            result: Result = finished.value
            return result
        try:
            resume = partial(plan.send, await call())
        except BaseException as error:
            resume = partial(plan.throw, error)
