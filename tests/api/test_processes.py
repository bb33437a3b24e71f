"""Requests in real processes, concurrent and killed in the middle."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection

from sequin_admin.access import keys
from sequin_admin.access.models import IdempotencyRecord, Scope
from sequin_admin.audit.models import Event
from sequin_admin.core import clock
from sequin_admin.core.env import ROOT, inherited
from sequin_admin.credentials.models import Credential, OAuthApp
from tests.api_client import ApiClient
from tests.patience import PATIENCE_S
from tests.tokens.test_processes import database_url

# Posts `body` to `path` in each of its threads, and prints status and body of each answer. `stall`
# names a function that prints "stalled" and never returns, and after how many calls it does.
POST = """
import importlib, json, sys, threading, time, django
django.setup()
from django.test import Client
from django.db import connections

sent = json.loads(sys.stdin.readline())

if sent["stall"]:
    module, name = sent["stall"].rsplit(".", 1)
    module = importlib.import_module(module)
    real, calls = getattr(module, name), []

    def stalling(*args, **kwargs):
        calls.append(1)
        if len(calls) > sent["after"]:
            print("stalled", flush=True)
            time.sleep(600)
        return real(*args, **kwargs)

    setattr(module, name, stalling)

def post():
    answer = Client().post(
        sent["path"], sent["body"], content_type="application/json",
        headers={**sent["headers"], "Host": "localhost"},
    )
    sys.stdout.write(json.dumps([answer.status_code, answer.content.decode()]) + "\\n")
    sys.stdout.flush()
    connections.close_all()

threads = [threading.Thread(target=post) for _ in range(sent["threads"])]
print("ready", flush=True)
sys.stdin.readline()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
URL, BULK = "/v1/oauth-apps", "/v1/credentials/bulk"
APP = {"provider": "hubspot", "name": "Ours", "client_id": "id-1", "client_secret": "s3cret-1"}
MANY = {
    "credentials": [
        {"properties": {"kind": "checkout_champ_password", "login_id": f"{n}", "password": "x"}}
        for n in range(60)
    ]
}
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]


@pytest.fixture
def token(organization):
    token = keys.create(organization, name="k", scopes=[Scope.READ, Scope.WRITE], actor=None)[1]
    connection.close()
    return token


@pytest.fixture
def send(token):
    """Post from this process, with the same API key."""
    client = ApiClient(token)

    def send(path=URL, body=APP, *, key="one"):
        return client.call("POST", path, body, headers={"Idempotency-Key": key})

    return send


@pytest.fixture
def start(token):
    """Start a process that posts once `go` is called."""
    started = []

    def start(path=URL, body=APP, threads=1, stall="", after=0, key="one"):
        environment = {
            **inherited(),
            "DJANGO_SETTINGS_MODULE": "sequin_admin.settings",
            "DATABASE_URL": database_url(),
            "SIMULATOR_URL": "http://127.0.0.1:9",
            "FIELD_ENCRYPTION_KEY": ",".join(settings.FIELD_ENCRYPTION_KEY),
        }
        process = subprocess.Popen(
            [sys.executable, "-c", POST],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        told = {"path": path, "body": body, "threads": threads, "stall": stall, "after": after}
        print(json.dumps({**told, "headers": headers}), file=process.stdin, flush=True)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def go(process):
    print(file=process.stdin, flush=True)


def answers(processes):
    for process in processes:
        go(process)
    texts = [process.communicate(timeout=PATIENCE_S)[0] for process in processes]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def killed(process):
    """Let a process post, and SIGKILL it where it stalls."""
    go(process)
    assert process.stdout.readline() == "stalled\n"
    process.kill()
    process.wait()


def test_of_many_equal_requests_exactly_one_is_done(start, send):
    came = answers([start(threads=5) for _ in range(2)])

    assert len(came) == 10
    assert OAuthApp.objects.count() == 1
    done = [body for status, body in came if status == 201]
    assert len({*done}) == 1
    assert {status for status, _ in came} <= {201, 409}
    assert send().content.decode() == done[0]


@pytest.mark.parametrize(
    ("stall", "made"),
    [
        ("sequin_admin.credentials.oauth_apps.create", 0),
        ("sequin_admin.access.idempotency.store_response", 1),
    ],
    ids=["before it was done", "after it was done"],
)
def test_what_a_killed_process_began_is_not_begun_again(start, send, stall, made):
    killed(start(stall=stall))

    assert send().status_code == 409
    assert "under way" in send().json()["summary"]
    IdempotencyRecord.objects.update(created_at=clock.now() - timedelta(minutes=5))
    assert "Look whether" in send().json()["summary"]
    assert OAuthApp.objects.count() == made

    assert send(key="two").status_code == 201
    assert OAuthApp.objects.count() == made + 1


@pytest.mark.parametrize(
    ("stall", "stored"),
    [
        ("sequin_admin.audit.models.build_event", 0),
        ("sequin_admin.api.framework.idempotency.finish_claim", 60),
    ],
)
def test_of_a_bulk_import_that_was_killed_all_is_stored_or_nothing(start, send, stall, stored):
    killed(start(BULK, MANY, stall=stall, after=0 if stored else 30))

    assert Credential.objects.count() == stored
    assert Event.objects.filter(action="credential.created").count() == stored
    assert send(BULK, MANY, key="two").json()["updated"] == stored
    assert Credential.objects.count() == 60


def test_the_same_bulk_import_twice_at_the_same_time_makes_each_once(start):
    backwards = {"credentials": MANY["credentials"][::-1]}

    came = answers([start(BULK, MANY, key="a"), start(BULK, backwards, key="b")])

    assert [status for status, _ in came] == [200, 200]
    assert sum(json.loads(body)["created"] for _, body in came) == 60
    assert Credential.objects.count() == 60
