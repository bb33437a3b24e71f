"""Copies of our code to run beside one another, each with a database of its own."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import copy2
from tempfile import TemporaryDirectory
from typing import NamedTuple

from django.db import connection

from sequin_admin.core.env import ROOT, inherited
from sequin_admin.tools.benchmarks.load import HOST

STYLES = Path("static/css/app.build.css")


class SourceTree(NamedTuple):
    """A copy of the code, and the environment in which its processes run."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> str:
        """Run Python in it, to its end. Returns what it has printed."""
        command = [sys.executable, *arguments]
        done = subprocess.run(  # noqa: S603 - our own code
            command, cwd=self.folder, env=self.environment, check=True, stdout=subprocess.PIPE
        )
        return done.stdout.decode()


@contextmanager
def copied(commit: str, **settings: str) -> Iterator[SourceTree]:
    """The code of that commit, or as it is here for none, ready to serve as in production."""
    with TemporaryDirectory() as path, own_database(Path(path)) as database:
        folder = Path(path) / "code"
        folder.mkdir()
        copy_code(commit, folder)
        environment = {
            **inherited(),
            "PYTHONPATH": str(folder),
            # Nothing of the folder in which we are.
            "PYTHONSAFEPATH": "1",
            # As where it is installed, a second start compiles nothing.
            "PYTHONDONTWRITEBYTECODE": "",
            "DJANGO_SETTINGS_MODULE": "sequin_admin.tools.benchmarks.settings",
            "BENCH_DATABASE": database,
            "ALLOWED_HOSTS": HOST,
            "DEBUG": "False",
            **settings,
        }
        tree = SourceTree(folder, environment)
        for command in (["migrate", "--verbosity=0"], ["collectstatic", "--noinput"]):
            tree.run("manage.py", *command)
        yield tree


def copy_code(commit: str, folder: Path) -> None:
    """Raises `CalledProcessError` for a commit that is not here."""
    git = f"git archive {commit}" if commit else "git ls-files -z | tar -c --null -T -"
    subprocess.run(  # noqa: S602 - names of commits, from who runs this
        f"set -o pipefail; {git} | tar -x -C '{folder}'",
        shell=True,
        executable="/bin/bash",
        cwd=ROOT,
        check=True,
    )
    copy2(ROOT / STYLES, folder / STYLES)


@contextmanager
def own_database(folder: Path) -> Iterator[str]:
    """A new database of the server of ours, or a file in the folder. Yields its name."""
    if connection.vendor == "sqlite":
        yield str(folder / "bench.sqlite3")
        return
    name = f"bench_{folder.name.lower()}"
    quoted = connection.ops.quote_name(name)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {quoted}")
    try:
        yield name
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {quoted} WITH (FORCE)")
