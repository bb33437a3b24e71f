"""Benchmark of what it costs that organizations take turns, beside claims that are only ordered."""

import statistics
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from sequin_admin.access import endings
from sequin_admin.access.models import Organization
from sequin_admin.core import clock, leases
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, SearchText
from sequin_admin.health import probe_claims
from sequin_admin.tokens import endpoints, renewal_leases
from sequin_admin.tokens.models import Purpose, Token
from sequin_admin.tokens.throttle import RefreshThrottle
from sequin_admin.tools.benchmarks.copies import copy_row, new_head, numbered_uuid
from sequin_admin.tools.benchmarks.refresh import KIND, without_throttle

ROWS, ROOM, ROUNDS = 100_000, 8, 40
ORGANIZATIONS = (1, 8)
MOST_RATIO = 1.5

Claim = Callable[[int], Sequence[object]]


def measure(rows: int = ROWS) -> dict[str, Any]:
    """Median of a claim in turns and of an ordered one, in ms, by job and organizations."""
    figures: dict[str, Any] = {"rows": rows, "rows_a_claim": ROOM, "allowed": MOST_RATIO}
    for count in ORGANIZATIONS:
        # Without the signals of each row.
        for model in (Token, SearchText, Credential):
            model._base_manager.all()._raw_delete("default")
        for number in range(count):
            make_due(f"claims-{count}-{number}", rows // count)
        clean()
        for name, claims in CLAIMS.items():
            figures[f"{name}_of_{count}"] = compare(*claims)
    return figures


def clean() -> None:
    """As autovacuum would do: what was deleted before costs a claim nothing."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def make_due(slug: str, count: int) -> None:
    """An organization whose credentials and tokens are due, the oldest an hour ago."""
    due, head = clock.now() - timedelta(hours=1), new_head()
    owner = Organization.objects.create(name=slug, slug=slug)
    row: Credential = kinds.get(KIND)(organization=owner, identity="first", check_due_at=due)
    row.save()
    token = Token.objects.create(credential=row, refresh_at=due)
    pk = numbered_uuid(head)
    copy_row(row, count - 1, id=pk, identity="'usr' || n")
    copy_row(token, count - 1, credential_id=pk)


def compare(in_turns: Claim, ordered: Claim) -> dict[str, float]:
    """One after the other in each round, as the machine may be busy."""
    took: dict[Claim, list[float]] = {in_turns: [], ordered: []}
    with without_throttle():
        in_turns(ROOM)
        for _ in range(ROUNDS):
            for claim, times in took.items():
                began = time.perf_counter()
                found = claim(ROOM)
                times.append((time.perf_counter() - began) * 1000)
                if len(found) < ROOM:
                    raise RuntimeError("A claim found fewer rows than were due.")
    turns_ms, ordered_ms = map(statistics.median, took.values())
    return {
        "in_turns_ms": round(turns_ms, 2),
        "ordered_ms": round(ordered_ms, 2),
        "ratio": round(turns_ms / ordered_ms, 2),
    }


def ordered_renewals(room: int) -> Sequence[object]:
    """As `renewal_leases.claim_due()`, whoever the rows belong to."""
    rows = endings.without_ending(Token.objects.refresh_due(), endings.list_ending())
    due = rows.filter(leases.unleased())
    due = due.only(*renewal_leases.READ_COLUMNS).exclude(next_try_at__gt=DatabaseTime())
    endpoints.list_silent(Purpose.RENEW)
    throttle = RefreshThrottle()
    with transaction.atomic():
        throttle.lock([f":{KIND}:"])
        locked = due.select_for_update(skip_locked=True, of=("self",), no_key=True)
        return renewal_leases.take_leases(list(locked[:room]))


def ordered_probes(room: int) -> Sequence[object]:
    """As `probe_claims.claim_due()`, whoever the rows belong to."""
    rows = endings.without_ending(Credential.objects.check_due(), endings.list_ending())
    due = rows.filter(leases.unleased())
    endpoints.list_silent(Purpose.PROBE)
    probe_claims.count_calls()
    with transaction.atomic():
        locked = due.select_for_update(skip_locked=True, of=("self",), no_key=True)
        claimed = probe_claims.take_leases(list(locked[:room]))
    return probe_claims.with_own_apps(claimed)


CLAIMS: dict[str, tuple[Claim, Claim]] = {
    "renewals": (renewal_leases.claim_due, ordered_renewals),
    "probes": (probe_claims.claim_due, ordered_probes),
}
