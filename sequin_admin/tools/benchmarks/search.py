"""Benchmark of searches among many credentials: as the API answers them, and what keeping the
text costs a write."""

import statistics
import time
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.test import Client

from sequin_admin.access import keys
from sequin_admin.access.models import Organization, Scope
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.tools.benchmarks.api import URL
from sequin_admin.tools.benchmarks.fleet import fill
from sequin_admin.tools.benchmarks.load import time_requests

MANY, ROUNDS, MOST_MS = 100_000, 15, 150
WRITES = 200


def measure(organization: Organization, many: int = MANY) -> dict[str, Any]:
    """Times of searches in ms; `too_slow` names those over `MOST_MS`."""
    _, key = keys.create(organization, name="bench", scopes=[Scope.READ], actor=None)
    client = Client(headers={"Authorization": f"Bearer {key}"})
    fill(organization, many)
    figures = {
        name: time_requests(client, f"{URL}?{urlencode({'search': text, 'limit': 50})}", ROUNDS)
        for name, text in searches(organization, many).items()
    }
    slow = [name for name, figure in figures.items() if figure["median_ms"] > MOST_MS]
    return {"rows": many, "search": figures, "too_slow": slow, "writes": write_times(organization)}


def searches(organization: Organization, many: int) -> dict[str, str]:
    one = f"{many // 2:06}"
    pk = str(Credential.objects.of(organization).order_by("pk").values_list("pk", flat=True)[7])
    return {
        "one name": f"account {one}",
        "one account": f"acct_{one}",
        "one id": pk[:8],
        "filter by id": f"id:{pk[:8]}",
        "metadata of one": f"customer:c-{one}",
        "number in metadata": "seats:7",
        "value of metadata": f"c-{one}",
        "value of many": "basic",
        "status and provider": "status:customer provider:stripe",
        "all filters and a word": f"status:customer provider:stripe plan:pro {one[:4]}",
        "all": "account",
        "one letter": "a",
        "two letters": "ac",
        "two rare letters": "zq",
        "three rare letters": "zqx",
        "capitals beyond ASCII": "ÄÖÜ",
    }


def write_times(organization: Organization) -> dict[str, float]:
    """Median ms of writing one row: what a probe writes, and a new name."""
    rows = Credential.objects.of(organization).order_by("pk")
    figures = {}
    for name, save in {"next probe": save_probe, "name": save_name}.items():
        took = []
        for row in rows[:WRITES]:
            began = time.perf_counter()
            with transaction.atomic():
                save(row)
            took.append((time.perf_counter() - began) * 1000)
        figures[name] = round(statistics.median(took), 2)
    return figures


def save_probe(row: Credential) -> None:
    row.checked_at = row.check_due_at = clock.now()
    row.save(update_fields=["checked_at", "check_due_at"])


def save_name(row: Credential) -> None:
    row.name += " renamed"
    row.save(update_fields=["name", "updated_at"])
