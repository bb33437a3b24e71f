"""`manage.py bench`: measures speed in a temporary database and prints the figures as JSON.

For people they stand as a table on stderr.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.test import Client
from django.test.utils import setup_test_environment

from sequin_admin.access.models import Membership, Organization
from sequin_admin.access.policy import Role
from sequin_admin.tools.benchmarks import (
    api,
    audit_log,
    claim_costs,
    claims,
    engine,
    hanging,
    permits,
    process_costs,
    prunes,
    refresh,
    rotation,
    run_claims,
    runs,
    search,
    simulated_calls,
    token_read,
)
from sequin_admin.tools.benchmarks.fleet import fill
from sequin_admin.tools.benchmarks.load import time_requests

ROUNDS = 30
MANY = 100_000
# Path, and the number of credentials to compare with: the smallest that fills the page.
PAGES = {
    "list": ("/credentials/", 100),
    "overview": ("/", 100),
    "sick": ("/credentials/?health=customer_intervention", 250),
    "incidents": ("/incidents/", 250),
    "usage": ("/usage/", 100),
    "provider": ("/providers/stripe/", 100),
    "poll of the overview": ("/badges/?grid=", 100),
}
MOST_RATIO = 1.5


class Command(BaseCommand):
    help = "Time pages with few and with 100,000 credentials. Exit code 1 when one does not scale."

    def add_arguments(self, parser: CommandParser) -> None:
        for name, (_, says) in PARTS.items():
            parser.add_argument(f"--{name.replace('_', '-')}", action="store_true", help=says)
        parser.add_argument(
            "--save",
            type=Path,
            metavar="FILE",
            help="Append the figures to a file, and compare shares with the last run in it.",
        )
        parser.add_argument(
            "--beside",
            default="",
            metavar="COMMIT",
            help="With --processes: measure that commit, too, in turns.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        figures = measure_in_own_database(options)
        self.stdout.write(json.dumps(figures, indent=2))
        self.stderr.write(runs.table(figures), lambda text: text)
        if options["save"]:
            self.stderr.write(runs.save(options["save"], figures), lambda text: text)
        ratios = figures.get("ratios", {}).values()
        parts = [figures, *(part for part in figures.values() if isinstance(part, dict))]
        too_slow = any(part.get("too_slow") for part in parts)
        if any(ratio > MOST_RATIO for ratio in ratios) or too_slow:
            raise SystemExit(1)


def measure_in_own_database(options: dict[str, Any]) -> dict[str, Any]:
    setup_test_environment()
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0)
    try:
        return measure(options)
    finally:
        connection.creation.destroy_test_db(str(name), verbosity=0)


def measure(options: dict[str, Any]) -> dict[str, Any]:
    """The figures of all parts that were asked for, else of pages, renewals and keys."""
    organization = Organization.objects.create(name="Bench", slug="bench")
    figures: dict[str, Any] = {"database": connection.vendor}
    chosen = [part for name, (part, _) in PARTS.items() if options[name]]
    for part in chosen:
        figures |= part(organization, options["beside"])
    if chosen:
        return figures
    figures |= measure_pages(organization)
    scans = Organization.objects.create(name="Due", slug="due")
    figures["refresh_throughput"] = refresh.measure_throughput(scans)
    figures["due_scan"] = refresh.measure_due_scan(scans)
    figures["key_rotation"] = rotation.measure(scans)
    return figures


def measure_pages(organization: Organization) -> dict[str, Any]:
    user = get_user_model().objects.create_user(username="bench", email="bench@bench.test")
    Membership.objects.create(organization=organization, user=user, role=Role.OWNER)
    client = Client()
    client.force_login(user)
    figures: dict[str, Any] = {}
    for total in sorted({few for _, few in PAGES.values()} | {MANY}):
        fill(organization, total)
        figures[f"rows_{total}"] = {
            page: time_requests(client, path, ROUNDS)
            for page, (path, few) in PAGES.items()
            if total in (few, MANY)
        }
    many = figures[f"rows_{MANY}"]
    medians = {
        page: (figures[f"rows_{few}"][page]["median_ms"], many[page]["median_ms"])
        for page, (_, few) in PAGES.items()
    }
    figures["ratios"] = {
        page: round(after / before, 2) for page, (before, after) in medians.items()
    }
    return figures


# By option: what it measures, in an organization and beside a commit, and what people read of it.
PARTS: dict[str, tuple[Callable[[Organization, str], dict[str, object]], str]] = {
    "pages": (
        lambda owner, beside: measure_pages(owner),
        "Only how the list and the overview scale.",
    ),
    "token_read": (
        lambda owner, beside: {"token_read": token_read.measure_throughput(owner)},
        "Only how many tokens the API gives out.",
    ),
    "permits": (
        lambda owner, beside: permits.measure(owner),
        "Only how fast rate-limit permits are given.",
    ),
    "api": (
        lambda owner, beside: api.measure(owner),
        "Only how fast the API answers and how it scales.",
    ),
    "run_claims": (
        lambda owner, beside: {"run_claims": run_claims.measure()},
        "Only what the claim of a run costs, of 10,000 syncs.",
    ),
    "processes": (
        lambda owner, beside: {"processes": process_costs.measure(beside)},
        "Only start, memory and lost permits of the processes.",
    ),
    "search": (
        lambda owner, beside: search.measure(owner),
        "Only how long searches of 100,000 rows take.",
    ),
    "keys": (
        lambda owner, beside: {"key_rotation": rotation.measure(owner)},
        "Only how long 200,000 rows take to rotate keys.",
    ),
    "claims": (
        lambda owner, beside: {"claims": claims.measure()},
        "Only what 1, 2, 4 and 8 workers claim a second.",
    ),
    "hanging": (
        lambda owner, beside: {"hanging": hanging.measure()},
        "Only what a worker renews beside 10,000 due accounts of a provider that hangs.",
    ),
    "claim_costs": (
        lambda owner, beside: {"claim_costs": claim_costs.measure()},
        "Only what a claim of 100,000 due rows costs, of 1 and of 8 organizations.",
    ),
    "engine": (
        lambda owner, beside: {"engine": engine.measure(owner)},
        "Only what dlt loads a second on our tokens, and with a token of its own.",
    ),
    "simulator": (
        lambda owner, beside: {"simulator": simulated_calls.measure()},
        "Only how many calls a second the simulator answers.",
    ),
    "audit": (
        lambda owner, beside: {"audit": audit_log.measure()},
        "Only how long a million audit events take.",
    ),
    "prune": (
        lambda owner, beside: {"prune": prunes.measure(owner)},
        "Only how long pruning a million rows locks.",
    ),
}
