"""Exit codes of the program, and its error messages on stderr."""

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
    """A usage error. `str()` says what to do instead."""


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Turn an error into a message on stderr and an exit code, never a traceback."""
    try:
        yield
    except Misused as error:
        exit_with(USAGE, str(error))
    except Refused as error:
        if error.status == UNAUTHORIZED:
            exit_with(REFUSED, NO_SUCH_KEY)
        exit_with(REFUSED, str(error), *field_lines(error))
    except TryLater as error:
        exit_with(UNREACHABLE, str(error))
    except SequinError as error:
        exit_with(REFUSED, str(error))


def field_lines(error: Refused) -> list[str]:
    return [f"  {path}: {' '.join(messages)}" for path, messages in error.fields.items()]


def exit_with(code: int, *lines: str) -> None:
    """Print the lines as notes and exit with `code`."""
    for line in lines:
        output.print_note(line)
    raise SystemExit(code)


def exit_if_attention(needed: bool) -> None:
    """Exit with `ATTENTION` after a successful command when somebody must act."""
    if needed:
        raise typer.Exit(ATTENTION)
