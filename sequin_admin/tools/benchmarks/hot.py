"""Benchmark of the hot operations of the API over HTTP, in turns with a view that does nothing."""

import json
import statistics
from typing import Any

import httpx2
from django.test import override_settings

from sequin_admin.access import keys
from sequin_admin.access.models import Organization, Scope
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens.models import Token
from sequin_admin.tools.benchmarks import load, long_polls, permits, refresh

URL = "/v1/credentials"
LIMIT = 100
LIST = f"{URL}?limit={LIMIT}"

Figures = dict[str, Any]


def measure(organization: Organization) -> Figures:
    """Throughput, times and processor time by operation, and what long polls do to a read."""
    _, key = keys.create(organization, name="hot", scopes=[*Scope], actor=None)
    with permits.redis_server() as url, override_settings(REDIS_URL=url):
        ids = make_rows(organization)
        with load.serve(REDIS_URL=url, API_REQUESTS_PER_MINUTE="9000000") as port:
            measured = load.measure_turns(port, build_requests(port, key, ids))
            beside = long_polls.measure(port, key, ids["one"], ids["waiting"])
    floor = measured["floor"]
    return {
        "connections": load.CONNECTIONS,
        "permits_in": "redis" if url else "database",
        "floor": summarize(floor),
        **{name: summarize(turns, floor) for name, turns in measured.items() if name != "floor"},
        "long_polls": beside,
    }


def make_rows(organization: Organization) -> dict[str, str]:
    """Ids of one credential for each operation."""
    refresh.make_tokens(organization, 1)
    rows = Credential.objects.of(organization).exclude(oauth_app=None)
    return {
        "one": str(rows.filter(kind="hubspot_oauth2").values_list("pk", flat=True)[0]),
        "token": str(Token.objects.values_list("pk", flat=True)[0]),
        "permit": str(permits.make_credential(organization, permits.UNENDING).pk),
        "waiting": str(permits.make_credential(organization, long_polls.RATE).pk),
    }


def build_requests(port: int, key: str, ids: dict[str, str]) -> dict[str, bytes]:
    """The requests by the names of their figures; `floor` is a view that does nothing."""
    headers = {"Authorization": f"Bearer {key}"}
    listed = httpx2.get(f"http://{load.HOST}:{port}{LIST}", headers=headers, trust_env=False)
    body = json.dumps({"n": 1, "lease_ms": 100})
    path = f"{URL}/{ids['permit']}/permits"
    known = {"If-None-Match": listed.headers["ETag"]}
    return {
        "floor": load.build_request(port, f"/bare/{ids['one']}", key),
        "api_get": load.build_request(port, f"{URL}/{ids['one']}", key),
        "api_token": load.build_request(port, f"{URL}/{ids['token']}/token", key),
        f"api_list_{LIMIT}": load.build_request(port, LIST, key),
        f"api_list_{LIMIT}_unchanged": load.build_request(port, LIST, key, headers=known),
        "api_permit": load.build_request(port, path, key, method="POST", body=body),
    }


def summarize(turns: list[load.Turn], floor: list[load.Turn] | None = None) -> Figures:
    """Figures of all turns. `p99_to_median` is the median of the turns', as a machine is slower in
    some than in others; `share` that of the throughput relative to `floor`'s, `cpu_share` that of
    `floor`'s processor time relative to theirs."""
    took = [seconds for turn in turns for seconds in turn.took]
    ratios = [load.p99_ms(turn.took) / load.median_ms(turn.took) for turn in turns]
    figures: Figures = {
        "requests_per_s": round(statistics.median(turn.per_s for turn in turns)),
        "median_ms": round(load.median_ms(took), 1),
        "p99_ms": round(load.p99_ms(took), 1),
        "p99_to_median": round(statistics.median(ratios), 2),
        "cpu_ms": round(statistics.median(turn.cpu_ms for turn in turns), 2),
    }
    if floor:
        pairs = list(zip(turns, floor, strict=True))
        figures["share"] = round(statistics.median(one.per_s / of.per_s for one, of in pairs), 3)
        cpu = [of.cpu_ms / one.cpu_ms for one, of in pairs if one.cpu_ms]
        figures["cpu_share"] = round(statistics.median(cpu or [0]), 3)
    return figures
