"""Every operation, called with keys of every single scope, of nobody, of others and ended ones."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.test import Client

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Organization, Scope
from sequin_admin.access.policy import Role
from sequin_admin.api.urls import api as declared
from sequin_admin.core import clock
from sequin_admin.core.fields import EncryptedJSONField
from tests.api.schema_values import WORDS, Fed
from tests.api_client import ApiClient, reserve_requests
from tests.conftest import make_member
from tests.database_rows import AUDIT_LOG, read_rows

OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in declared.get_openapi_schema()["paths"].items()
    for method, operation in methods.items()
}
FEWEST_OPERATIONS = 109
# Where a GET does not take `read`, or another method not `write`.
EXCEPTIONS = {
    "get_own_api_key": frozenset(),
    "work_out_pace": frozenset({Scope.READ}),
    **dict.fromkeys(
        ("make_gateway_secret", "rotate_webhook_secret"), frozenset({Scope.WRITE, Scope.SECRETS})
    ),
    **dict.fromkeys(("get_token", "refresh_token", "exchange_code"), frozenset({Scope.SECRETS})),
    **dict.fromkeys(
        ("take_permits", "give_permits_back", "give_permit_back"), frozenset({Scope.PERMITS})
    ),
    **dict.fromkeys(("claim_run", "report_run", "get_run_target"), frozenset({Scope.RUNS})),
    **dict.fromkeys(
        (
            *("create_api_key", "list_api_keys", "get_api_key", "update_api_key"),
            *("revoke_api_key", "rotate_api_key", "end_former_token"),
        ),
        frozenset({Scope.KEYS}),
    ),
}
DONE = {200, 201, 202, 204, 409, 503}
# The one delivery of the rows went to a webhook.
OF_OTHER_DELIVERIES = {"get_customer_delivery", "redeliver_to_customer", "redeliver_to_channel"}
SHORTEST_SECRET = 6


def scopes_of(name: str) -> frozenset[Scope]:
    """The scopes that an operation takes, as the documents say."""
    method = OPERATIONS[name][0]
    return EXCEPTIONS.get(name, frozenset({Scope.READ if method == "GET" else Scope.WRITE}))


@pytest.fixture
def fed(organization) -> Fed:
    """Rows of every model, and their ids for paths and bodies."""
    found = Fed(organization, None)
    # A key may only change keys that do no more than itself.
    key, _ = keys.create(organization, name="second", scopes=[Scope.KEYS], actor=None)
    found.ids["api_key_id"] = str(key.pk)
    return found


def send(client: ApiClient, fed: Fed, name: str) -> Any:
    """Call the operation as the document's example says, with the ids of real rows."""
    method, path, operation = OPERATIONS[name]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    example = next(iter(content.get("examples", {}).values()), {"value": None})
    body = fed.body(example["value"])
    if name in ("create_api_key", "update_api_key"):
        body = {**body, "scopes": [Scope.KEYS]}
    if name == "create_oauth_app":  # Its redirect URIs take `secrets` as well.
        body = {n: value for n, value in body.items() if n != "redirect_uris"}
    return client.call(method, path.format(**fed.ids, **WORDS), body)


def stored_secrets() -> set[str]:
    """Every secret text in any encrypted column."""
    found: set[str] = set()
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, EncryptedJSONField):
                for row in model._base_manager.all():
                    found.update(texts_in(getattr(row, field.attname)))
    return {text for text in found if len(text) >= SHORTEST_SECRET}


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        # The kind is stored with the secrets of a finished request.
        yield from (t for name, each in value.items() if name != "kind" for t in texts_in(each))
    elif isinstance(value, list):
        yield from (text for each in value for text in texts_in(each))


def refuse_each(client: ApiClient, fed: Fed, names: list[str], status: int) -> None:
    """Call operations that must answer with `status` and change nothing."""
    # A refusal is told in the log alone.
    before = read_rows(without=AUDIT_LOG)
    answers = {name: send(client, fed, name) for name in names}

    wrong = {n: a.status_code for n, a in answers.items() if a.status_code != status}
    assert wrong == {}
    assert all(answer.json()["summary"] for answer in answers.values())
    assert read_rows(without=AUDIT_LOG) == before


def test_the_walk_is_complete():
    assert len(OPERATIONS) >= FEWEST_OPERATIONS
    assert EXCEPTIONS.keys() <= OPERATIONS.keys()


EVERYTHING_BUT_SECRETS = tuple(scope for scope in Scope if scope != Scope.SECRETS)


@pytest.mark.parametrize(
    "scopes", [*((scope,) for scope in Scope), EVERYTHING_BUT_SECRETS], ids="+".join
)
def test_scopes_open_their_operations_and_no_others(make_client, organization, fed, scopes):
    client = make_client(organization, *scopes)
    assert client.get("/v1/api-keys/me").status_code == 200
    opened = [name for name in OPERATIONS if scopes_of(name) <= {*scopes}]
    secrets = stored_secrets()

    refuse_each(client, fed, [name for name in OPERATIONS if name not in opened], 403)
    wrong, shown = {}, {}
    for name in opened:
        with transaction.atomic():
            answer = send(client, fed, name)
            transaction.set_rollback(True)
        text = answer.content.decode()
        if answer.status_code not in DONE | ({404} if name in OF_OTHER_DELIVERIES else set()):
            wrong[name] = (answer.status_code, text)
        if Scope.SECRETS not in scopes and any(secret in text for secret in secrets):
            shown[name] = text

    assert wrong == {}
    assert shown == {}


@pytest.mark.parametrize("why", ["none", "nonsense", "revoked", "expired", "deactivated", "login"])
def test_without_a_valid_key_nothing_opens(organization, user, fed, monkeypatch, why):
    maker = make_member(organization, "yueh@arrakis.test", Role.ADMIN)
    ends = clock.now() + timedelta(hours=1)
    key, token = keys.create(
        organization, name="theirs", scopes=list(Scope), actor=maker, expires_at=ends
    )
    client = ApiClient(token)
    reserve_requests(key)
    # The key is in every cache before it ends.
    assert client.get("/v1/api-keys/me").status_code == 200
    assert client.get(f"/v1/credentials/{fed.ids['credential_id']}/token").status_code == 200
    if why == "none":
        client.client = Client()
    elif why == "nonsense":
        client = ApiClient("sqn_nonsense")
    elif why == "revoked":
        keys.revoke(key, actor=user)
    elif why == "expired":
        ApiKey.objects.filter(pk=key.pk).update(expires_at=clock.now())
    elif why == "deactivated":
        maker.is_active = False
        maker.save()
    else:
        client.client = Client()
        client.client.force_login(user)

    refuse_each(client, fed, list(OPERATIONS), 401)


def test_a_key_of_another_organization_finds_and_changes_nothing(
    make_client, organization, stranger, fed
):
    """Neither by the ids in paths nor by those in bodies."""
    client = make_client(Organization.objects.get(slug="giedi-prime"), *Scope)
    assert client.get("/v1/api-keys/me").status_code == 200
    before, secrets = read_rows(), stored_secrets()
    # Kinds are everybody's, and each organization has the same mail templates.
    shared = ("/kinds/", "/mail-templates/")
    of_one = [
        name
        for name, (_, path, _) in OPERATIONS.items()
        if "{" in path and not any(each in path for each in shared)
    ]
    wrong = {}

    for name in OPERATIONS:
        with transaction.atomic():
            answer = send(client, fed, name)
            changed = before ^ read_rows()
            transaction.set_rollback(True)
        text, ours = answer.content.decode(), organization.pk.hex
        if name in of_one and answer.status_code != 404:
            wrong[name] = answer.status_code
        elif any(secret in text for secret in secrets) or str(organization.pk) in text:
            wrong[name] = text
        elif any(ours in row.replace("-", "") for row in changed):
            wrong[name] = changed

    assert wrong == {}
