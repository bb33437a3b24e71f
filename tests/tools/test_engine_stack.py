"""What `make run ENGINE=1` starts, with which settings, and when it starts nothing."""

import io
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Scope
from sequin_admin.core import clock
from sequin_admin.core.env import ROOT
from sequin_admin.demo.models import Demo, mark
from sequin_admin.syncs.models import Consumer, Sync, Target
from sequin_admin.tools import engine_stack
from sequin_admin.tools.demo import engine
from sequin_admin.tools.management.commands import up
from sequin_admin.tools.supervisor import ProcessFailed, Supervisor, free_port
from tests.factories import make_credential, make_synced

SECRETS = {"SECRET_KEY": "a", "DATABASE_URL": "postgresql://elsewhere/x", "PGHOST": "elsewhere"}
STRIPE = "acct_1Arrakis0000001"
KINDS = {"stripe": "stripe_key", "hubspot": "hubspot_oauth2", "airtable": "airtable_oauth2"}


class Recorder(Supervisor):
    """Starts nothing but what listens in the target's place."""

    def __init__(self, port):
        super().__init__(io.StringIO())
        self.port, self.started = port, {}

    def start(self, name, command, environment, *, may_end=False, python=sys.executable):
        self.started[name] = {
            **{"command": [python, *command], "environment": dict(environment)},
            "may_end": may_end,
        }
        if name == "target":
            self.listener = socket.create_server(("127.0.0.1", self.port))

    def stop(self):
        self.listener.close()


@pytest.fixture(autouse=True)
def installed(tmp_path, monkeypatch):
    """Files of its own, and an engine that counts as installed."""
    made = tmp_path / ".engine"
    made.touch()
    monkeypatch.setattr(engine_stack, "INSTALLED", made)
    monkeypatch.setattr(engine_stack, "PASSWORD_FILE", tmp_path / "password")
    monkeypatch.setattr(engine, "KEY_FILE", tmp_path / "key")
    return made


@pytest.fixture
def port(monkeypatch):
    number = free_port()
    monkeypatch.setenv("TARGET_PORT", str(number))
    return number


@pytest.fixture
def demo(organization):
    """With a sync of Stripe, and accounts of HubSpot and Airtable that no sync reads."""
    made = Demo.objects.create(organization=organization, ready_at=clock.now(), days=0)
    accounts = {name: make_credential(organization, slug) for name, slug in KINDS.items()}
    sync, target, consumer = make_synced(accounts["stripe"], name="Stripe")
    mark(made, sync, target, consumer, *accounts.values())
    return made


@pytest.fixture
def start(db, simulated, settings, port):
    """Start the engine; returns what was started, and what was said."""
    settings.TARGET_NETWORKS = ["127.0.0.0/8"]
    environment = {"PATH": "/bin", "HOME": "/x", "SIMULATOR_URL": simulated.url, **SECRETS}
    environment["PUBLIC_URL"] = "http://127.0.0.1:8000"

    def start():
        supervisor = Recorder(port)
        engine_stack.start_engine(supervisor, environment)
        if supervisor.started:
            supervisor.stop()
        return supervisor.started, supervisor.out.getvalue()

    return start


def test_a_target_and_a_process_of_dlt_are_started_on_their_own_requirements(start, demo, port):
    started, _ = start()

    assert list(started) == ["target", "engine"]
    commands = [each["command"] for each in started.values()]
    assert {command[0] for command in commands} == {str(ROOT / ".venv-engine/bin/python")}
    assert commands[0][3:] == [
        *("-m", "sequin_admin.tools.target_server", str(engine_stack.target_folder())),
        *(str(port), str(engine_stack.PASSWORD_FILE)),
    ]
    assert commands[1][1:] == [str(ROOT / "deploy/examples/dlt/sync.py")]
    # Without its target nothing arrives, but without the engine the rest goes on.
    assert [each["may_end"] for each in started.values()] == [False, True]


def test_they_get_nothing_of_our_environment(start, demo):
    """dlt and libpq would look there for databases and credentials."""
    started, _ = start()

    bare = {"PATH": "/bin", "HOME": "/x", "PYTHONPATH": str(ROOT)}
    told = {"SEQUIN_URL": "http://127.0.0.1:8000", "SEQUIN_API_KEY": read(engine.KEY_FILE)}
    assert [each["environment"] for each in started.values()] == [bare, bare | told]


def test_the_demos_syncs_are_what_it_carries_out(start, demo, port):
    start()

    syncs = {sync.provider: sync for sync in Sync.objects.all()}
    for provider, names in engine.READ.items():
        assert syncs[provider].collection_ids == [f"{provider}:{name}" for name in names]
        assert syncs[provider].sync_frequency == "continuous"
    assert {*Consumer.objects.get().syncs.all()} == {*syncs.values()}
    target = Target.objects.get()
    assert (target.host, target.port, target.database) == ("127.0.0.1", port, "warehouse")
    assert target.secrets["password"] == read(engine_stack.PASSWORD_FILE)


def test_its_key_can_carry_out_runs_and_no_more(start, demo):
    start()

    key = keys.find(read(engine.KEY_FILE))
    assert (key, key.scopes) == (ApiKey.objects.get(), [Scope.RUNS])
    files = (engine.KEY_FILE, engine_stack.PASSWORD_FILE)
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]


def test_the_rows_of_its_accounts_live(start, demo, simulated):
    start()

    before = simulated.rows("stripe", STRIPE, "customers")
    simulated.clock(600)
    assert before["count"] == engine.ROWS
    assert simulated.rows("stripe", STRIPE, "customers")["rows"] != before["rows"]


def test_a_second_start_makes_nothing_again(start, demo):
    first, _ = start()
    rows = [model.objects.count() for model in (Sync, Target, Consumer, ApiKey)]

    second, _ = start()

    assert second == first
    assert [model.objects.count() for model in (Sync, Target, Consumer, ApiKey)] == rows


def test_without_a_demo_it_says_so_and_starts_nothing(start):
    started, said = start()

    assert started == {}
    assert said == "There is no demo here, so ENGINE=1 starts nothing.\n"


def begin(monkeypatch, wanted):
    """`manage.py up` up to what it starts first."""
    for name in ("PORT", "SIMULATOR_PORT"):
        monkeypatch.setenv(name, str(free_port()))
    monkeypatch.setenv("ENGINE", wanted)
    supervisor = Began(io.StringIO())
    up.Command(stdout=io.StringIO()).start(supervisor, [7, 3])


class Began(Supervisor):
    """Raises when a process is started."""

    def start(self, name, *args, **options):
        raise InterruptedError(name)


def test_without_its_requirements_nothing_is_started(monkeypatch, port, installed):
    installed.unlink()

    with pytest.raises(ProcessFailed, match="not installed: make run ENGINE=1 does that"):
        begin(monkeypatch, "1")


def test_without_its_port_nothing_is_started(monkeypatch, port):
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(ProcessFailed, match=f"make run ENGINE=1 TARGET_PORT={port + 100}"),
    ):
        begin(monkeypatch, "1")


@pytest.mark.parametrize("wanted", ["", "0"])
@pytest.mark.django_db(transaction=True)
def test_who_does_not_want_it_needs_neither(monkeypatch, port, installed, settings, wanted):
    settings.DATA_DIR = installed.parent
    installed.unlink()

    with socket.create_server(("127.0.0.1", port)), pytest.raises(InterruptedError):
        begin(monkeypatch, wanted)


@pytest.mark.parametrize("wanted", [True, False])
def test_make_installs_the_requirements_for_who_wants_it(wanted):
    """As if they had changed."""
    arguments = ["-n", "-W", "requirements/engine.txt", "run", *["ENGINE=1"] * wanted]

    planned = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True)

    assert planned.returncode == 0, planned.stderr
    assert ("-r requirements/engine.txt" in planned.stdout) == wanted
    assert "manage.py up" in planned.stdout


def read(file: Path) -> str:
    return file.read_text().strip()
