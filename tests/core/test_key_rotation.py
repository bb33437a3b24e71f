"""Key rotation while processes of both steps save; it is killed on its way."""

import json
import signal
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import connection

from sequin_admin.core import keyring
from sequin_admin.core.env import ROOT, inherited
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens.models import Token
from sequin_admin.tools.benchmarks.refresh import make_tokens
from tests.patience import PATIENCE_S
from tests.tokens.test_processes import database_url

ROWS = 1_000
NEW = Fernet.generate_key().decode()
# Reads and saves the secrets of credentials over and over, with a number that goes up. Stops when
# its input ends, and prints the last number of each.
SAVE = """
import json, sys, threading, django
django.setup()
from sequin_admin.credentials.models import Credential

ids, number, saved = sys.argv[1:], 0, {}
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set())).start()
while not stop.wait(0.02):
    pk = ids[number % len(ids)]
    row = Credential.objects.get(pk=pk)
    row.secrets = {**row.secrets, "number": (number := number + 1)}
    row.save()
    saved[pk] = number
    if number == len(ids):
        print("all", flush=True)
print(json.dumps(saved))
"""
# Prints the numbers of those that have one, with every secret read.
READ = """
import json, django
django.setup()
from sequin_admin.credentials.models import Credential

rows = {str(row.pk): row.secrets.get("number") for row in Credential.objects.all()}
print(json.dumps({pk: number for pk, number in rows.items() if number}))
"""
# Rotates the keys, and kills itself within the transaction that writes the third batch.
ROTATE_AND_DIE = """
import os, signal, django
django.setup()
from django.core.management import call_command
from django.db import connection
from sequin_admin.core import keyring

keyring.BATCH, updates = 200, []

def die(execute, sql, *others):
    result = execute(sql, *others)
    if sql.lstrip().startswith("UPDATE"):
        updates.append(sql)
    if len(updates) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

with connection.execute_wrapper(die):
    call_command("rotate_keys")
"""
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]


@pytest.fixture
def start():
    """Start a Python process with these encryption keys, newest first."""
    started = []

    def start(keys, *arguments):
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={
                **inherited(),
                "DJANGO_SETTINGS_MODULE": "sequin_admin.settings",
                "DATABASE_URL": database_url(),
                "FIELD_ENCRYPTION_KEY": ",".join(keys),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def stop_saving(process):
    """What the process saved last, by id."""
    printed, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    return json.loads(printed.splitlines()[-1])


def rows_with_new_key():
    key = Fernet(NEW)
    columns = [c for c in keyring.encrypted_columns() if c.model in (Credential, Token)]
    tokens = [t for c in columns for t in c.raw.values_list("stored", flat=True)]
    return sum(opens(key, token) for token in tokens)


def opens(key, token):
    try:
        return bool(key.decrypt(token.encode()))
    except InvalidToken:
        return False


def test_killed_and_run_again_while_both_steps_save_it_leaves_no_row_on_the_old_key(
    start, organization
):
    make_tokens(organization, ROWS)
    connection.close()
    [old] = settings.FIELD_ENCRYPTION_KEY
    ids = [str(pk) for pk in Credential.objects.values_list("pk", flat=True)[:20]]
    # The second restart is on its way: one has the new key last, one has it first.
    last = start([old, NEW], "-c", SAVE, *ids)
    first = start([NEW, old], "-c", SAVE, *ids[::2])
    other = start([NEW, old], "-c", SAVE, *ids[1::2])
    for process in (last, first, other):
        assert process.stdout.readline() == "all\n"
    stop_saving(last)

    killed = start([NEW, old], "-c", ROTATE_AND_DIE)
    assert killed.wait(PATIENCE_S) == -signal.SIGKILL
    assert 400 <= rows_with_new_key() <= 400 + len(ids), "Two batches of credentials."
    again = start([NEW, old], "manage.py", "rotate_keys")
    output, errors = again.communicate(timeout=120)

    assert output.endswith("\n0 rows left on the old key.\n"), errors
    saved = {**stop_saving(first), **stop_saving(other)}
    assert rows_with_new_key() == 2 * ROWS
    # The old key is taken away.
    read = start([NEW], "-c", READ)
    assert json.loads(read.communicate(timeout=PATIENCE_S)[0]) == saved
