"""Tokens in real processes, some of which are killed."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from sequin_admin.core import clock
from sequin_admin.core.env import ROOT, inherited
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens.models import Token
from tests.patience import PATIENCE_S

PAUL = "usrziLeD23j9AJ1"
READERS = 25
READ = """
import os, sys, threading, django
django.setup()
from django.db import connections
from sequin_admin.tokens import renewal
from sequin_admin.credentials.models import Credential

# PostgreSQL takes 100 connections, and 8 processes begin at once.
room = threading.BoundedSemaphore(8)

def read():
    with room:
        token = renewal.get_access_token(Credential.objects.get(pk=sys.argv[1]))
        os.write(1, (token + "\\n").encode())
        connections.close_all()

# Forked once all is loaded, which takes a process most of its time.
for _ in range(int(sys.argv[3]) - 1):
    if os.fork() == 0:
        break
threads = [threading.Thread(target=read) for _ in range(int(sys.argv[2]))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]


@pytest.fixture
def credential(make_app, connect):
    credential = connect(make_app("airtable"), PAUL).credential
    past = clock.now() - timedelta(seconds=1)
    Token.objects.filter(credential=credential).update(expires_at=past, refresh_at=past)
    connection.close()
    return credential


@pytest.fixture
def read(credential, simulated):
    """Start processes that read the credential's token in each of their threads and print it."""
    started = []

    def start(threads=1, processes=1):
        environment = {
            **inherited(),
            "DJANGO_SETTINGS_MODULE": "sequin_admin.settings",
            "DATABASE_URL": database_url(),
            "SIMULATOR_URL": simulated.url,
            "FIELD_ENCRYPTION_KEY": ",".join(settings.FIELD_ENCRYPTION_KEY),
        }
        process = subprocess.Popen(
            [sys.executable, "-c", READ, str(credential.pk), str(threads), str(processes)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def database_url():
    """The address of the test database, for another process."""
    known = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{known['NAME']}"
    host = known["OPTIONS"].get("host") or known["HOST"]
    return f"postgresql://{known['USER']}:@/{known['NAME']}?host={quote(host)}"


def refreshes(simulated):
    calls = [c for c in simulated.calls("airtable") if c["endpoint"].endswith("/oauth2/v1/token")]
    return calls[1:]  # the first one redeemed the code


def wait_until(condition):
    ends = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < ends, "It did not happen within 5 minutes."
        time.sleep(0.05)


@pytest.mark.parametrize("endpoint", ["quick", "crawl"])
def test_200_readers_in_8_processes_cause_one_renewal(read, simulated, endpoint):
    """Also when the token endpoint takes 12 seconds."""
    if endpoint == "crawl":
        simulated.act("airtable", PAUL, "crawl")
    seen = read(READERS, processes=8).communicate(timeout=120)[0].split()

    assert len(seen) == 8 * READERS
    assert len(set(seen)) == 1
    assert [call["status"] for call in refreshes(simulated)] == [200]


def kill_a_holder(read, simulated):
    """SIGKILL a process that holds the lease while it waits for the provider."""
    simulated.act("airtable", PAUL, "timeout")
    holder = read()
    wait_until(lambda: Token.objects.filter(lease_until__isnull=False).exists())
    holder.kill()
    holder.wait()
    simulated.act("airtable", PAUL, "clear")


def test_a_holder_killed_in_its_call_loses_nothing(read, credential, simulated):
    """Another process takes over when the lease has expired."""
    kill_a_holder(read, simulated)
    Token.objects.update(lease_until=clock.now())

    token = read().communicate(timeout=PATIENCE_S)[0].strip()

    stored = Token.objects.get(pk=credential.pk)
    assert token == stored.secrets["access_token"]
    assert ["ended" in attempt for attempt in stored.journal][-2:] == [False, True]
    assert Credential.objects.get().secrets["refresh_token"] != credential.secrets["refresh_token"]


def test_while_the_killed_holders_lease_runs_nobody_calls(read, credential, simulated):
    kill_a_holder(read, simulated)
    fence = Token.objects.get().lease_fence
    other = read()

    with pytest.raises(subprocess.TimeoutExpired):
        other.communicate(timeout=4)

    assert Token.objects.get().lease_fence == fence
