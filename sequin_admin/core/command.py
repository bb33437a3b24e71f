"""Django's command line, which ends with a sentence where it can't start."""

from collections.abc import Sequence

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from sequin_admin.core.loading import loading


def run(arguments: Sequence[str]) -> None:
    """Raises `SystemExit`: code 1 and a sentence for wrong settings, and for a database that is
    away or ended the command in favour of others."""
    try:
        with loading():
            django.setup()
        execute_from_command_line(list(arguments))
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from None
    except Exception as error:
        # Settings and apps are there, now that a command has run.
        from sequin_admin.core import availability, checks

        if not (availability.is_unreachable(error) or availability.is_contended(error)):
            raise
        raise SystemExit(checks.describe_failure(error)) from None
