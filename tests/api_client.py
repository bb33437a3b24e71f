"""API clients with keys of different rights."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Organization, Scope
from sequin_admin.limits import quota
from sequin_admin.limits.requests import MS, Block


class ApiClient:
    """API client with one API key; bodies are JSON."""

    def __init__(self, token: str) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {token}"})

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> HttpResponse:
        data = {} if body is None else {"data": json.dumps(body)}
        return self.client.generic(
            method,
            path,
            content_type="application/json",
            headers=headers,
            query_params=query,
            **data,
        )

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.call("GET", path, **query)

    def post(self, path: str, body: Any = None) -> HttpResponse:
        return self.call("POST", path, body)

    def put(self, path: str, body: Any) -> HttpResponse:
        return self.call("PUT", path, body)

    def patch(self, path: str, body: Any) -> HttpResponse:
        return self.call("PATCH", path, body)

    def delete(self, path: str) -> HttpResponse:
        return self.call("DELETE", path)


@pytest.fixture
def make_client() -> Callable[..., ApiClient]:
    def make(organization: Organization, *scopes: str) -> ApiClient:
        chosen = scopes or (Scope.READ, Scope.WRITE)
        key, token = keys.create(organization, name="test", scopes=chosen, actor=None)
        reserve_requests(key)
        return ApiClient(token)

    return make


def reserve_requests(key: ApiKey) -> None:
    """Reserve requests for an hour, so that no test counts the queries for it."""
    set_request_budget(key, key.allowed_per_minute, for_s=3600)


def set_request_budget(key: ApiKey, requests: int, for_s: int) -> None:
    """Set how many requests the key may still send within `for_s` seconds."""
    budget = quota._budgets[key.pk] = quota.RequestBudget(key.allowed_per_minute)
    block = Block(minute=sys.maxsize, n=requests, remaining=0, left=for_s * 1000 * MS)
    budget.add_block(block, time.monotonic())


@pytest.fixture
def api(make_client: Callable[..., ApiClient], organization: Organization) -> ApiClient:
    """A client that reads and writes."""
    return make_client(organization)
