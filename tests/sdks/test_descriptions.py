"""What providers publish of their answers holds for the simulator's.

GitHub publishes an OpenAPI description; Auth0, HubSpot, Linear, Shopify and Stripe declare types in
their packages. The simulator's routes that nothing describes are in `undescribed.txt`.
"""

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.sdks.conftest import NODE_FOLDER
from tests.sdks.described_calls import CALLS
from tests.simulator_server import ROOT

CHECK = NODE_FOLDER / "descriptions" / "check.js"
UNDESCRIBED = Path(__file__).with_name("undescribed.txt")
GRAPHQL = {"QUERY": "POST", "MUTATION": "POST"}
LIST_ROUTES = """
import django
django.setup(set_prefix=False)
from sequin_admin.simulator import framework
for slug in sorted(framework.all_providers()):
    for route in framework.all_providers()[slug].routes:
        for method in route.method.split():
            print(slug, method, route.host.pattern, route.path.pattern, sep="\\t")
"""
pytestmark = pytest.mark.faults


@contextmanager
def recorded(simulator, provider, answers):
    """Add the answers to calls within the block to a list."""

    def record(answer):
        answer.read()
        url = urlsplit(str(answer.request.url))
        host, _, path = url.path.lstrip("/").partition("/")
        if "." not in host:
            return
        known = {"provider": provider, "host": host, "path": f"/{path}"}
        is_json = "json" in answer.headers.get("content-type", "")
        body = answer.json() if is_json else answer.text or None
        method = answer.request.method
        if host == "api.linear.app" and path == "graphql":
            method = json.loads(answer.request.content)["query"].split("(")[0].split()[0].upper()
            if "__schema" in str(body)[:100]:
                return
        answers.append({**known, "method": method, "status": answer.status_code, "body": body})

    simulator.http.event_hooks = {"request": [], "response": [record]}
    yield
    simulator.http.event_hooks = {"request": [], "response": []}


def undescribed_routes(described):
    """The simulator's routes without a described answer among these."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "sequin_admin.simulator.settings",
        "PYTHONPATH": str(ROOT),
    }
    listed = subprocess.run(
        [sys.executable, "-c", LIST_ROUTES],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    )
    return sorted(
        f"{slug} {method} {host}{path}"
        for slug, method, host, path in (line.split("\t") for line in listed.stdout.splitlines())
        if not any(
            re.fullmatch(host, a["host"])
            and re.fullmatch(path, a["path"])
            and method in (a["method"], GRAPHQL.get(a["method"]))
            for a in described
        )
    )


def test_answers_are_as_their_providers_describe_them(node, simulator):
    answers = []
    for provider, call in CALLS.items():
        simulator.reset()
        with recorded(simulator, provider, answers):
            call(simulator)

    lines = "\n".join(map(json.dumps, answers))
    checked = subprocess.run(
        [node, str(CHECK)], input=lines, text=True, stdout=subprocess.PIPE, timeout=200, check=True
    )
    told = json.loads(checked.stdout)
    found = told["found"]

    wrong = {}
    for answer, problems in zip(answers, found, strict=True):
        if problems:
            name = " ".join(str(answer[n]) for n in ("provider", "method", "path", "status"))
            wrong.setdefault(name, problems)
    assert not wrong, json.dumps(wrong, indent=1)
    described = [a for a, problems in zip(answers, found, strict=True) if problems is not None]
    assert undescribed_routes(described) == UNDESCRIBED.read_text().splitlines()
    assert told["missing"] == []
    refused = {a["status"] for a in described if a["provider"] == "github" and a["status"] >= 400}
    assert refused == {401, 403, 404, 422}
