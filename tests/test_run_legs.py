"""`make test` runs every leg to its end, also beside a failed one, and prints a summary."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from types import SimpleNamespace

import pytest
from django.db import connection

from sequin_admin.core.env import ROOT
from sequin_admin.credentials import kinds
from tests import run_legs
from tests.conftest import deal, needs_database
from tests.one_kind import OF_ROWS, repeated
from tests.patience import PATIENCE_S

RUN = "import sys; from tests import run_legs as r; r.LEGS = {legs}; sys.exit(r.main())"
WAIT = "import time; print('waits', flush=True); time.sleep(60)"


def start(*arguments, **legs):
    commands = {name: ["-c", code] for name, code in legs.items()}
    return subprocess.Popen(
        [sys.executable, "-c", RUN.format(legs=commands), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def summary(process):
    said = process.communicate(timeout=PATIENCE_S)[0].splitlines()
    return {line[:24].strip(): line[24:33].strip() for line in said[-3:]}


def test_a_leg_that_fails_does_not_end_the_others():
    runner = start(one="raise SystemExit(1)", two="raise SystemExit(77)", three="")

    assert summary(runner) == {"one": "FAILED", "two": "skipped", "three": "passed"}
    assert runner.returncode == 1


def test_all_is_well_when_every_leg_is():
    runner = start(one="", two="", three="")

    assert summary(runner) == {"one": "passed", "two": "passed", "three": "passed"}
    assert runner.returncode == 0


def test_a_failure_of_a_later_leg_is_one_and_what_it_printed_is_seen(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    waits = f"print('first'); open({str(fifo)!r}).read()"
    fails = f"import sys; open({str(fifo)!r}, 'w').close(); sys.exit('it is broken')"

    runner = start(one=waits, two=fails)

    said = runner.communicate(timeout=PATIENCE_S)[0]
    assert re.fullmatch(
        r"\none:\nfirst\n\ntwo:\nit is broken\n\none .*passed.*\ntwo .*FAILED.*\n", said
    )
    assert runner.returncode == 1


def test_half_of_the_processes_run_the_legs_beside_the_first():
    shows = "import sys; print(sys.argv[-3:])"

    said = start("-n", "3", "-x", one=shows, two=shows).communicate(timeout=PATIENCE_S)[0]

    assert re.findall(r"\[.*\]", said) == ["['-n', '3', '-x']", "['-n', '2', '-x']"]


def test_a_signal_ends_every_leg():
    runner = start(one=WAIT, two=WAIT, three=WAIT)
    while runner.stdout.readline() != "waits\n":
        pass

    runner.send_signal(signal.SIGTERM)

    assert summary(runner) == {"one": "FAILED", "two": "FAILED", "three": "FAILED"}
    assert runner.returncode == 1


MARKED = "import pytest\ndef test_plain(): pass\n" + "".join(
    f"@pytest.mark.{marker}\ndef test_{marker}(): pass\n"
    for marker in ("faults", "drills", "postgresql")
)


@pytest.fixture
def printed(tmp_path):
    """What the first of these legs prints about a file with these tests."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    def run(legs, tests, *more):
        (tmp_path / "test_marked.py").write_text(tests)
        # An option of our own, which is unknown there.
        leg = [each for each in next(iter(legs.values())) if each != "--one-kind"]
        options = [each for each in leg if each.startswith("--") or ".py" not in each]
        quick = ["-c", os.devnull, "--rootdir", ".", "-p", "no:cacheprovider", *more]
        command = [sys.executable, *options, *quick, "-q", "test_marked.py"]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    return run


@pytest.fixture
def collected(printed):
    """The tests of a file with one of each mark that the first of these legs runs."""
    return lambda legs: re.findall("::test_(.*)", printed(legs, MARKED, "--collect-only"))


@pytest.mark.parametrize(("legs", "marker"), [("FAULTS", "faults"), ("DRILLS", "drills")])
def test_a_leg_says_what_it_leaves_out(printed, legs, marker):
    skipped = f"import pytest\n@pytest.mark.{marker}\ndef test_it(): pytest.skip('No Node here.')\n"

    assert "No Node here." in printed(getattr(run_legs, legs), skipped)


def test_what_is_slow_by_nature_is_left_to_a_target_of_its_own(collected):
    assert collected(run_legs.LEGS) == collected(run_legs.FAST) == ["plain"]
    assert collected(run_legs.FAULTS) == ["faults"]
    assert collected(run_legs.DRILLS) == ["drills"]
    assert "tests/limits/test_quota.py" in run_legs.files_marked("faults")


def test_what_needs_postgresql_is_run_there():
    files = [ROOT / "tests" / name for name in run_legs.SQLITE_ONLY]
    modules = [path for file in files for path in (file.rglob("*.py") if file.is_dir() else [file])]

    assert all(file.exists() for file in files)
    assert not any("mark." + "postgresql" in path.read_text() for path in modules)


def test_postgresql_runs_no_test_without_a_database(request, organization):
    assert needs_database(request.node)
    assert "--needs-database" in run_legs.LEGS["PostgreSQL"]


def test_every_kind_is_asked_on_sqlite_and_one_elsewhere():
    legs = run_legs.LEGS | run_legs.FAST | run_legs.FAULTS
    with_all = {name for name, leg in legs.items() if "--one-kind" not in leg}

    assert with_all == {"SQLite and the browser", "Faults, SQLite"}


def a_case(name, /, **params):
    return SimpleNamespace(
        nodeid=f"tests/test_x.py::{name}[{params}]",
        path=ROOT / "tests/test_x.py",
        callspec=SimpleNamespace(params=params),
    )


def test_postgresql_is_asked_with_one_kind_where_a_test_has_all():
    every = [a_case("every", kind=kind, by=by) for kind in kinds.all() for by in ("form", "file")]
    chosen = [a_case("chosen", slug=kind.slug) for kind in kinds.all()[:9]]
    others = [a_case("others", number=number) for number in range(30)]
    of_rows = [a_case("of_rows", slug=kind.slug) for kind in kinds.all()]
    for case in of_rows:
        case.path = ROOT / "tests" / OF_ROWS[0]

    left_out = repeated([*every, *chosen, *others, *of_rows])

    assert [*map(id, left_out)] == [*map(id, every[2::2]), *map(id, every[3::2])]
    assert all((ROOT / "tests" / name).exists() for name in OF_ROWS)


def test_without_a_database_one_is_enough(request):
    assert not needs_database(request.node)


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7])
def test_every_test_is_dealt_once_and_long_ones_begin(workers):
    names = (
        ["tools/test_chaos.py"] * 5 + ["browser/test_pages.py"] * 3 + ["core/test_words.py"] * 20
    )
    items = [SimpleNamespace(path=ROOT / "tests" / name) for name in reversed(names)]

    dealt = deal(items, workers)

    assert sorted(map(id, dealt)) == sorted(map(id, items))
    assert [item.path.stem for item in dealt[:5]] == ["test_chaos"] * 5


def test_a_file_that_starts_the_product_is_dealt_to_one():
    names = [f"tools/test_{name}.py" for name in ("up", "bench") for _ in range(6)]
    items = [SimpleNamespace(path=ROOT / "tests" / name) for name in names]

    dealt = [item.path.stem for item in deal(items, 2)]

    assert dealt == ["test_bench"] * 6 + ["test_up"] * 6


def test_a_process_of_a_run_copies_the_migrated_database(db, migrated_original):
    if migrated_original is None:
        pytest.skip("A run of one process migrates by itself.")
    when = "SELECT id, applied FROM django_migrations ORDER BY id"
    with connection.cursor() as cursor:
        cursor.execute(when.replace("applied", "CAST(applied AS text)"))
        copied = cursor.fetchall()

    with closing(sqlite3.connect(migrated_original)) as made:
        assert copied == made.execute(when).fetchall()
    assert len(copied) > 50
