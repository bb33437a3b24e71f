"""Benchmark of searches among many credentials, syncs and connect links: as the API answers them,
and what keeping the text costs a write."""

import statistics
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import connection, transaction
from django.test import Client

from sequin_admin.access import keys
from sequin_admin.access.models import Organization, Scope
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.syncs.models import Sync
from sequin_admin.tools.benchmarks.api import URL
from sequin_admin.tools.benchmarks.fleet import fill
from sequin_admin.tools.benchmarks.load import time_requests

MANY, ROUNDS, MOST_MS = 100_000, 15, 150
WRITES = 200
ALL, ROWS = "/v1/search", 500


def measure(organization: Organization, many: int = MANY) -> dict[str, Any]:
    """Times of searches in ms; `too_slow` names those over `MOST_MS`."""
    _, key = keys.create(organization, name="bench", scopes=[Scope.READ], actor=None)
    client = Client(headers={"Authorization": f"Bearer {key}"})
    fill(organization, many)
    fill_others(organization, many)
    figures = {
        name: time_requests(client, f"{URL}?{urlencode({'search': text, 'limit': 50})}", ROUNDS)
        for name, text in searches(organization, many).items()
    }
    figures |= {
        f"everything: {name}": time_requests(client, f"{ALL}?{urlencode({'q': text})}", ROUNDS)
        for name, text in searches_of_all(many).items()
    }
    slow = [name for name, figure in figures.items() if figure["median_ms"] > MOST_MS]
    return {"rows": many, "search": figures, "too_slow": slow, "writes": write_times(organization)}


def fill_others(organization: Organization, many: int) -> None:
    """A sync of each credential, and as many connect links."""
    rows = Credential.objects.of(organization).order_by("created_at", "pk")
    syncs = [
        Sync(
            organization=organization,
            credential_id=pk,
            provider="stripe",
            name=f"Sync {n:06}",
            external_id=f"crm-{n:06}",
        )
        for n, pk in enumerate(rows.values_list("pk", flat=True)[:many])
    ]
    Sync.objects.bulk_create(syncs, batch_size=ROWS)
    ends = clock.now() + timedelta(days=7)
    links = [
        ConnectLink(
            organization=organization,
            provider="stripe",
            kinds=["stripe_key"],
            name=f"Customer {n:06}",
            metadata={"deal": f"d-{n:06}"},
            token_digest=f"{n:064}",
            expires_at=ends,
            secrets={"token": f"{n:043}"},
        )
        for n in range(many)
    ]
    ConnectLink.objects.bulk_create(links, batch_size=ROWS)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def searches_of_all(many: int) -> dict[str, str]:
    one = f"{many // 2:06}"
    return {
        "one credential": f"account {one}",
        "one sync": f"sync {one}",
        "external id of a sync": f"crm-{one}",
        "one link": f"customer {one}",
        "metadata of a link": f"deal:d-{one}",
        "one number": one,
        "all": "sync",
        "two letters": "cu",
        "two rare letters": "zq",
        "nothing": "zqxj",
    }


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
