"""Schemathesis: whatever the document allows or forbids, the answers keep to it."""

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from sequin_admin.access import keys
from sequin_admin.access.models import Scope

CONFIG = schemathesis.Config.from_dict({"generation": {"allow-x00": False}})
schema = schemathesis.openapi.from_wsgi("/v1/openapi.json", WSGIHandler(), config=CONFIG)

# A schema can't say which ids exist, what a cursor is, or what one provider's app needs.
NOT_HERE = [positive_data_acceptance]


@pytest.fixture
def token(organization):
    """A key that may do everything; requests share the test's connection, as Django's client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield keys.create(organization, name="fuzz", scopes=list(Scope), actor=None)[1]
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@schema.parametrize()
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_documented(case, token):
    headers = {"Authorization": f"Bearer {token}"}

    case.call_and_validate(headers=headers, excluded_checks=NOT_HERE)
