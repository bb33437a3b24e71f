"""The recipe that takes runs: as a command, as the CronJob starts it, and as Airflow calls it."""

import ast
import subprocess
import sys

import psycopg
import pytest
import yaml

from sequin_admin.access import keys
from sequin_admin.access.models import Scope
from sequin_admin.core import clock
from sequin_admin.syncs.models import Run, RunSlot, Sync
from tests.client.test_arrivals import most_in_a_window
from tests.factories import make_synced
from tests.patience import PATIENCE_S
from tests.recipes.conftest import ACCOUNT, EXAMPLES, RATE, arrivals

pytestmark = pytest.mark.faults

ROWS = 250
RECIPE = EXAMPLES / "runs/sync_hubspot.py"
CRONJOB = yaml.safe_load((EXAMPLES / "kubernetes/cronjob.yaml").read_text())
DAG = EXAMPLES / "airflow/dag.py"
PASSWORD = "spice-must-flow-0123456789"


@pytest.fixture
def synced(hubspot, simulated, database_server, settings):
    settings.TARGET_NETWORKS = ["127.0.0.0/8"]
    simulated.set_count("hubspot", ACCOUNT, ROWS, "contacts")
    sync, target, _ = make_synced(hubspot, collection_ids=["hubspot:contact"])
    target.host, target.port = database_server.host, database_server.port
    target.ssl_mode, target.schema = "disable", "records"
    target.save()
    return sync


@pytest.fixture
def at_target(synced, database_server):
    """A connection to the target, whose table is dropped afterwards."""
    place = {"dbname": "spice", "user": "sequin", "password": PASSWORD}
    with psycopg.connect(
        host=database_server.host, port=database_server.port, autocommit=True, **place
    ) as connection:
        yield connection
        connection.execute("DROP TABLE IF EXISTS records.contacts")


@pytest.fixture
def rows(at_target, synced):
    def rows(sync_id=synced.pk):
        said = "SELECT id, data ->> 'updatedAt' FROM records.contacts WHERE sync = %s"
        return dict(at_target.execute(said, [str(sync_id)]).fetchall())

    return rows


@pytest.fixture
def environment(live_server, organization, environment, in_redis):
    keys._cache.clear()
    _, token = keys.create(organization, name="engine", scopes=[Scope.RUNS], actor=None)
    return environment | {"SEQUIN_URL": live_server.url, "SEQUIN_API_KEY": token}


def run(*command, environment):
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S
    )


def test_the_command_of_the_cronjob_brings_all_rows_within_the_limit(
    environment, simulated, synced, rows, wanted
):
    """The manifest's command, with the ConfigMap's file where it lies here."""
    spec = CRONJOB["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    command = [each.replace("/recipes/", f"{RECIPE.parent}/") for each in container["command"]]
    command[0] = sys.executable
    assert command[1] == str(RECIPE)
    simulated.act("hubspot", ACCOUNT, "throttle", times=1)

    ended = run(*command, environment=environment)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert rows() == wanted()
    assert len(rows()) == ROWS
    held = Run.objects.get()
    assert (held.status, held.rows_read, held.rows_written) == ("succeeded", ROWS, ROWS)
    arrived = arrivals(simulated, "/contacts")
    assert most_in_a_window(arrived, RATE.interval) <= RATE.allowed_requests


def test_beside_a_run_that_was_stopped_and_may_go_on_none_writes(
    environment, synced, at_target, rows, wanted
):
    """Whose process is stopped keeps its lease no longer, but its connection and so the lock."""
    lock = "SELECT pg_advisory_lock(hashtextextended(%s, 0))"
    at_target.execute(lock, [str(synced.pk)])

    beside = run(sys.executable, RECIPE, environment=environment)
    at_target.execute("SELECT pg_advisory_unlock_all()")
    RunSlot.objects.update(due_at=clock.now())
    after = run(sys.executable, RECIPE, environment=environment)

    assert beside.stderr == "Another run of this sync still writes to the target.\n"
    assert beside.returncode == 1
    assert (after.returncode, after.stderr) == (0, "")
    assert rows() == wanted()
    assert [each.status for each in Run.objects.order_by("started_at")] == ["failed", "succeeded"]


def test_the_callable_of_the_dag_follows_what_changes_and_is_deleted(
    environment, simulated, synced, rows, wanted, at_target
):
    """What the DAG imports, called as Airflow would: Airflow itself is not installed here. Rows of
    another account, which may have the same ids, stay."""
    (imported,) = (
        node
        for node in ast.walk(ast.parse(DAG.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == RECIPE.stem
    )
    (name,) = (alias.name for alias in imported.names)
    call = (
        f"import os; from {RECIPE.stem} import {name} as call; "
        f"print(call(os.environ['SEQUIN_URL'], os.environ['SEQUIN_API_KEY'], ['{synced.pk}']))"
    )
    path = f"{environment['PYTHONPATH']}:{RECIPE.parent}"

    first = run(sys.executable, "-c", call, environment=environment | {"PYTHONPATH": path})
    at_target.execute("INSERT INTO records.contacts SELECT 'other', id, 'x' FROM records.contacts")
    simulated.set_heart("hubspot", ACCOUNT, 240)
    simulated.clock(600)
    simulated.set_heart("hubspot", ACCOUNT, 0)
    RunSlot.objects.update(due_at=clock.now())
    second = run(sys.executable, "-c", call, environment=environment | {"PYTHONPATH": path})

    assert (first.stdout, first.stderr) == (f"{ROWS}\n", "")
    assert (second.stdout, second.stderr) == (f"{len(wanted())}\n", "")
    assert Run.objects.filter(rows_deleted__gt=0).count() == 1
    assert rows() == wanted()
    assert len(rows("other")) == ROWS


def test_collections_are_read_by_their_ids_in_the_catalogue(
    environment, simulated, synced, at_target
):
    """By the ids of the catalogue: objects, and the owners of objects, which are none."""
    simulated.set_count("hubspot", ACCOUNT, 5)
    Sync.objects.update(collection_ids=["hubspot:contact", "hubspot:owner"])

    ended = run(sys.executable, RECIPE, environment=environment)

    assert (ended.returncode, ended.stderr) == (0, "")
    both = "SELECT (SELECT count(*) FROM records.contacts), (SELECT count(*) FROM records.owners)"
    assert at_target.execute(both).fetchone() == (5, 5)
    at_target.execute("DROP TABLE records.owners")


def test_when_the_access_is_gone_run_and_command_say_whose_move_it_is(
    environment, simulated, synced
):
    simulated.act("hubspot", ACCOUNT, "revoke")

    ended = run(sys.executable, RECIPE, environment=environment)

    assert ended.returncode == 1
    assert "The customer must connect" in ended.stderr
    assert "Traceback" not in ended.stderr
    held = Run.objects.get()
    assert held.status == "failed"
    assert "The customer must connect" in held.error["message"]
