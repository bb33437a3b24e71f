"""Benchmark of token reads: responses per second of the API, relative to a minimal view."""

import statistics
from typing import Any

from sequin_admin.access import keys
from sequin_admin.access.models import Organization, Scope
from sequin_admin.tokens.models import Token
from sequin_admin.tools.benchmarks import load, refresh

LEAST_SHARE = 0.7


def measure_throughput(organization: Organization) -> dict[str, Any]:
    """Responses per second of both, in turns, so that a load peak affects both."""
    refresh.make_tokens(organization, 1)
    pk = Token.objects.values_list("pk", flat=True)[0]
    _, key = keys.create(organization, name="bench", scopes=[Scope.SECRETS], actor=None)
    with load.serve() as port:
        measured = load.measure_rates(
            port,
            {
                "floor": load.build_request(port, f"/floor/{pk}", key),
                "read": load.build_request(port, f"/v1/credentials/{pk}/token", key),
            },
        )
    shares = [read / floor for read, floor in zip(measured["read"], measured["floor"], strict=True)]
    return {
        "connections": load.CONNECTIONS,
        "reads_per_s": round(statistics.median(measured["read"])),
        "floor_per_s": round(statistics.median(measured["floor"])),
        "share": round(statistics.median(shares), 2),
        "least": LEAST_SHARE,
    }
