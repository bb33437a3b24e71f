"""`manage.py bench`: measures speed in a temporary database and prints the figures as JSON.

For people they stand as a table on stderr.
"""

import json
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
    prunes,
    refresh,
    rotation,
    runs,
    search,
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
        parser.add_argument(
            "--pages", action="store_true", help="Only how the list and the overview scale."
        )
        parser.add_argument(
            "--token-read", action="store_true", help="Only how many tokens the API gives out."
        )
        parser.add_argument(
            "--permits", action="store_true", help="Only how fast rate-limit permits are given."
        )
        parser.add_argument(
            "--api", action="store_true", help="Only how fast the API answers and how it scales."
        )
        parser.add_argument(
            "--search", action="store_true", help="Only how long searches of 100,000 rows take."
        )
        parser.add_argument(
            "--keys", action="store_true", help="Only how long 200,000 rows take to rotate keys."
        )
        parser.add_argument(
            "--claims", action="store_true", help="Only what 1, 2, 4 and 8 workers claim a second."
        )
        parser.add_argument(
            "--hanging",
            action="store_true",
            help="Only what a worker renews beside 10,000 due accounts of a provider that hangs.",
        )
        parser.add_argument(
            "--claim-costs",
            action="store_true",
            help="Only what a claim of 100,000 due rows costs, of 1 and of 8 organizations.",
        )
        parser.add_argument(
            "--save",
            type=Path,
            metavar="FILE",
            help="Append the figures to a file, and compare shares with the last run in it.",
        )
        parser.add_argument(
            "--engine",
            action="store_true",
            help="Only what dlt loads a second on our tokens, and with a token of its own.",
        )
        parser.add_argument(
            "--audit", action="store_true", help="Only how long a million audit events take."
        )
        parser.add_argument(
            "--prune", action="store_true", help="Only how long pruning a million rows locks."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        figures = measure_in_own_database(options)
        self.stdout.write(json.dumps(figures, indent=2))
        self.stderr.write(runs.table(figures), lambda text: text)
        if options["save"]:
            self.stderr.write(runs.save(options["save"], figures), lambda text: text)
        ratios = figures.get("ratios", {}).values()
        too_slow = figures.get("too_slow") or figures.get("engine", {}).get("too_slow")
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
    organization = Organization.objects.create(name="Bench", slug="bench")
    figures: dict[str, Any] = {"database": connection.vendor}
    if options["token_read"]:
        return {**figures, "token_read": token_read.measure_throughput(organization)}
    if options["claims"]:
        return {**figures, "claims": claims.measure()}
    if options["hanging"]:
        return {**figures, "hanging": hanging.measure()}
    if options["claim_costs"]:
        return {**figures, "claim_costs": claim_costs.measure()}
    if options["engine"]:
        return {**figures, "engine": engine.measure(organization)}
    if options["audit"]:
        return {**figures, "audit": audit_log.measure()}
    if options["prune"]:
        return {**figures, "prune": prunes.measure(organization)}
    if options["permits"]:
        return {**figures, **permits.measure(organization)}
    if options["api"]:
        return {**figures, **api.measure(organization)}
    if options["search"]:
        return {**figures, **search.measure(organization)}
    if options["keys"]:
        return {**figures, "key_rotation": rotation.measure(organization)}
    figures |= measure_pages(organization)
    if options["pages"]:
        return figures
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
