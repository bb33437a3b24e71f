"""Requests that wait for a run or a permit take no thread of those that work."""

import io
import json
import select
import shutil
import subprocess
import sys
from contextlib import ExitStack

import httpx2
import pytest
from django.conf import settings

from sequin_admin.core.env import ROOT, inherited
from sequin_admin.tools.benchmarks import lost_permits
from sequin_admin.tools.supervisor import Supervisor, free_port, gunicorn
from tests.tools.test_slow_clients import connect

# Half of the places are for runs.
POLLS, WAIT_S = 4, 20
LIMIT = {"allowed_requests": 1, "interval": 1000, "max_concurrent_requests": 0}


@pytest.fixture
def environment(tmp_path, migrated_file):
    file = shutil.copy(migrated_file, tmp_path)
    return {
        **inherited(),
        "DJANGO_SETTINGS_MODULE": "sequin_admin.settings",
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": f"sqlite:///{file}",
        "FIELD_ENCRYPTION_KEY": ",".join(settings.FIELD_ENCRYPTION_KEY),
        "PUBLIC_URL": "http://localhost",
        "REDIS_URL": "",
        "LONG_POLLS": str(POLLS),
    }


@pytest.fixture
def port(environment):
    """A server with one thread."""
    port, supervisor = free_port(), Supervisor(io.StringIO())
    try:
        supervisor.start("web", gunicorn("sequin_admin.wsgi", port, 1), environment)
        supervisor.wait_for("web", f"http://127.0.0.1:{port}/healthz")
        yield port
    finally:
        supervisor.stop()


def test_who_waits_for_a_run_holds_up_nobody(environment, port):
    prepare = [sys.executable, lost_permits.script("prepare_permits"), json.dumps(LIMIT)]
    _, key = json.loads(subprocess.check_output(prepare, env=environment))
    body = json.dumps({"wait_s": WAIT_S})
    head = f"Host: localhost\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    claim = f"POST /v1/syncs/runs/claim HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n"

    with ExitStack() as stack:
        waiting = [stack.enter_context(connect(port, (claim + body).encode())) for _ in range(2)]
        answer = httpx2.get(f"http://127.0.0.1:{port}/healthz", trust_env=False, timeout=WAIT_S - 2)
        answered, _, _ = select.select(waiting, [], [], 0)

    assert (answer.status_code, answered) == (200, [])
