"""Deliveries in real processes, one of which is killed."""

import json
import subprocess
import sys
from collections import Counter

import pytest
from django.conf import settings
from django.db import connection

from sequin_admin.core import clock
from sequin_admin.core.env import ROOT, inherited
from sequin_admin.notifications import delivery, outbox
from sequin_admin.notifications.models import Delivery
from tests.notified import make_message
from tests.patience import PATIENCE_S
from tests.tokens.test_processes import database_url, wait_until

WORK = """
import django
django.setup()
from sequin_admin.notifications import delivery
from sequin_admin.worker.jobs import Job
from sequin_admin.worker.runner import Runner
from sequin_admin.notifications.models import Delivery
import threading, time

runner = Runner([Job("deliver", 0.05, delivery.claim_due, delivery.deliver_claimed)], threads=4)

def watch():
    while Delivery.objects.pending().exists():
        time.sleep(0.1)
    runner.stop.set()

threading.Thread(target=watch, daemon=True).start()
runner.run_forever()
"""
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]


@pytest.fixture
def start(receiver):
    """Start a process that delivers until nothing is pending."""
    started = []

    def run():
        environment = {
            **inherited(),
            "DJANGO_SETTINGS_MODULE": "sequin_admin.settings",
            "DATABASE_URL": database_url(),
            "WEBHOOK_BASE_URLS": json.dumps(settings.WEBHOOK_BASE_URLS),
            "FIELD_ENCRYPTION_KEY": ",".join(settings.FIELD_ENCRYPTION_KEY),
        }
        process = subprocess.Popen([sys.executable, "-c", WORK], cwd=ROOT, env=environment)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


def test_three_workers_send_each_message_once_and_in_order(
    organization, receiver, make_channel, start
):
    make_channel(name="one")
    make_channel(name="two")
    for number in range(20):
        outbox.post(organization, make_message(str(number), key=f"incident:{number % 4}"))
    connection.close()

    workers = [start() for _ in range(3)]
    assert [worker.wait(PATIENCE_S) for worker in workers] == [0, 0, 0]

    ids = Counter(call.headers["webhook-id"] for call in receiver.calls)
    assert len(ids) == 40
    assert set(ids.values()) == {1}
    lane_of = {row.message_id: (row.ordering_key, row.pk) for row in Delivery.objects.all()}
    seen = [lane_of[call.headers["webhook-id"]] for call in receiver.calls]
    for ordering_key in {ordering_key for ordering_key, _ in seen}:
        numbers = [pk for known, pk in seen if known == ordering_key]
        assert numbers == sorted(numbers)


def test_what_a_killed_worker_held_is_sent_by_another(organization, receiver, make_channel, start):
    make_channel()
    outbox.post(organization, make_message())
    connection.close()
    receiver.gate.clear()
    killed = start()
    wait_until(lambda: receiver.calls)
    killed.kill()
    killed.wait()
    receiver.gate.set()
    assert delivery.claim_due(5) == []

    Delivery.objects.update(lease_until=clock.now())
    assert start().wait(60) == 0

    row = Delivery.objects.get()
    assert (row.state, row.attempts) == ("delivered", 2)
    assert {call.headers["webhook-id"] for call in receiver.calls} == {row.message_id}
