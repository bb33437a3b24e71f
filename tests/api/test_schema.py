"""Schemathesis with all checks: responses to valid and invalid requests match the document."""

import logging
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from hypothesis import HealthCheck, Phase, settings

from sequin_admin.access import keys
from sequin_admin.access.models import Scope
from tests.api.schema_values import Fed
from tests.api_client import ApiClient

OTHERWISE = [
    # A key that was revoked is still shown, as such.
    ("/v1/api-keys/{api_key_id}", "use_after_free"),
]
CONFIG = schemathesis.Config.from_dict(
    {
        "seed": 7,
        "generation": {"allow-x00": False},
        "operations": [
            {"include-path": path, "checks": {check: {"enabled": False}}}
            for path, check in OTHERWISE
        ],
    }
)
schema = schemathesis.openapi.from_wsgi("/v1/openapi.json", WSGIHandler(), config=CONFIG)
# PostgreSQL can store less than SQLite.
pytestmark = [pytest.mark.faults, pytest.mark.postgresql]
EXAMPLES, CHAINS = 12, 30
HOW = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@schema.auth(refresh_interval=None)
class Key:
    """The API key of the running test's organization."""

    token = ""

    def get(self, case: Any, context: Any) -> str:
        return self.token

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


class Unwanted(Exception):
    """Rolls back a transaction."""


@pytest.fixture
def fed(organization, monkeypatch) -> Fed:
    """Rows, and a key with every scope. Requests share the test's connection."""
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    monkeypatch.setattr(BaseDatabaseWrapper, "close_if_unusable_or_obsolete", lambda self: None)
    token = keys.create(organization, name="fuzz", scopes=list(Scope), actor=None)[1]
    monkeypatch.setattr(Key, "token", token)
    return Fed(organization, ApiClient(token).get)


def call(case: Any, fed: Fed) -> None:
    """Changes of a request are rolled back, so that the next one finds the same rows."""
    fed.fill(case)
    try:
        with transaction.atomic():
            case.call_and_validate()
            raise Unwanted
    except Unwanted:
        pass


@schema.parametrize()
@settings(HOW, max_examples=EXAMPLES)
def test_every_answer_is_as_documented(case, fed):
    call(case, fed)


def test_what_one_answer_links_to_can_be_followed(fed):
    """Chains of requests that use ids of earlier responses."""

    class Chain(schema.as_state_machine()):
        """Each chain starts from the same rows."""

        def setup(self) -> None:
            self.ids: set[str] = set()
            self.kept = transaction.atomic()
            self.kept.__enter__()

        def teardown(self) -> None:
            transaction.set_rollback(True)
            self.kept.__exit__(None, None, None)

        def before_call(self, case: Any) -> None:
            fed.fill(case, frozenset(self.ids))

        def after_call(self, response: Any, case: Any) -> None:
            super().after_call(response, case)
            if response.status_code < 300 and response.content:
                shown = response.json()
                rows = shown.get("data", [shown]) if isinstance(shown, dict) else []
                self.ids.update(row["id"] for row in rows if "id" in row)

    how = settings(HOW, max_examples=CHAINS, stateful_step_count=6, phases=[Phase.generate])
    Chain.run(settings=how)
