"""Benchmark of imports: processor time of one, and of a thousand at once."""

import json
import statistics
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

from django.test import Client, override_settings

from sequin_admin.access import keys
from sequin_admin.access.models import Organization, Scope
from sequin_admin.tools.supervisor import free_port

URL = "/v1/credentials"
ROUNDS, BULK_ROUNDS = 30, 3
BULK = 1000


def measure(organization: Organization) -> dict[str, Any]:
    """Processor time in ms of this process; each is a new account, and its provider refuses
    connections, so that a probe ends at once."""
    _, key = keys.create(organization, name="imports", scopes=[*Scope], actor=None)
    client = Client(headers={"Authorization": f"Bearer {key}"})
    entries = make_entries()
    refusing = {"api.sendgrid.com": f"http://127.0.0.1:{free_port()}"}
    with override_settings(PROVIDER_BASE_URLS=refusing):
        ones = [cpu_ms(client, URL, next(entries)) for _ in range(ROUNDS + 1)][1:]
        many = [
            cpu_ms(client, f"{URL}/bulk", {"credentials": [next(entries) for _ in range(BULK)]})
            for _ in range(BULK_ROUNDS)
        ]
    return {
        "one_cpu_ms": round(statistics.median(ones), 2),
        f"bulk_{BULK}_cpu_ms": round(statistics.median(many)),
    }


def make_entries() -> Iterator[dict[str, Any]]:
    for number in count(1):
        secret = f"SG.bench{number:015}.{number:043}"
        yield {"properties": {"kind": "sendgrid_key", "api_key": secret}, "name": f"New {number}"}


def cpu_ms(client: Client, path: str, body: dict[str, Any]) -> float:
    """Raises `RuntimeError` unless it was taken."""
    began = time.process_time()
    answer = client.post(path, json.dumps(body), content_type="application/json")
    taken = (time.process_time() - began) * 1000
    if answer.status_code >= 300:
        raise RuntimeError(f"The import was answered {answer.status_code}.")
    return taken
