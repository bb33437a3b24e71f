"""How a call of the program ends: the exit code, and a sentence on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from sequin_admin.client import Refused, SequinError, TryLater
from sequin_admin.command_line import output

OK, ATTENTION, USAGE, REFUSED, UNREACHABLE = range(5)
CODES = """Exit codes: 0 done, 1 something needs attention, 2 used in a wrong way, 3 refused by the
server, 4 the server can't be reached."""


UNAUTHORIZED = 401
NO_SUCH_KEY = """The server takes no such API key: it is unknown, expired or revoked. Give another:
sequin-admin login, --key-file, or SEQUIN_API_KEY.""".replace("\n", " ")


class Misused(Exception):
    """The call makes no sense. `str()` says what to do instead."""


@contextmanager
def told() -> Iterator[None]:
    """Errors leave as a sentence on stderr and their exit code, never as a traceback."""
    try:
        yield
    except Misused as error:
        end(USAGE, str(error))
    except Refused as error:
        if error.status == UNAUTHORIZED:
            end(REFUSED, NO_SUCH_KEY)
        end(REFUSED, str(error), *of_fields(error))
    except TryLater as error:
        end(UNREACHABLE, str(error))
    except SequinError as error:
        end(REFUSED, str(error))


def of_fields(error: Refused) -> list[str]:
    return [f"  {path}: {' '.join(said)}" for path, said in error.fields.items()]


def end(code: int, *lines: str) -> None:
    for line in lines:
        output.note(line)
    raise SystemExit(code)


def attention(needed: bool) -> None:
    """The exit code of a command that ran well: whether somebody must act."""
    if needed:
        raise typer.Exit(ATTENTION)
