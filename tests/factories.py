"""Rows for tests, derived from the declared properties: a new kind needs no change here."""

import re
from datetime import datetime, timedelta
from typing import Any, Literal, get_args, get_origin

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connection

from sequin_admin.access import keys
from sequin_admin.access.models import Organization, Scope
from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import plain_type
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.properties import Properties
from sequin_admin.syncs import consumers, syncs, targets
from sequin_admin.syncs.models import Consumer, Run, Sync, Target
from sequin_admin.syncs.runs import claims, slots
from sequin_admin.syncs.runs.claims import RunFilter

NEXT_YEAR = f"{datetime.now().year + 1}-12-01T00:00:00Z"
# A value for each pattern whose properties have no complete example.
FITTING = {
    r"(sk|rk)_(live|test)_\w+": "sk_test_{}",
    r"rt_\w[\w-]*": "rt_{}",
    r"SG\.[\w-]+\.[\w-]+": "SG.{}.{}",
    r"\d{10,19}": "1234567890123",
    r"\d+": "310104",
    r"\S+": "{}",
    r"[\w-]+": "app-slug",
}


def sample_properties(kind: Any, marker: str = "sample") -> dict[str, Any]:
    """Valid properties of a kind, as a person or program would send them."""
    return {"kind": kind.slug, **sample_values(kind.properties_class, marker)}


def sample_values(declared: type[Properties], marker: str = "sample") -> dict[str, Any]:
    """Values of all properties that are entered. Secrets contain `marker` where the type allows."""
    asked = (name for name in declared.names() if not declared.options_of(name).get("read_only"))
    return {name: sample_value(declared, name, marker) for name in asked}


def sample_value(declared: type[Properties], name: str, marker: str) -> Any:
    extra, plain = declared.options_of(name), plain_type(declared.model_fields[name].annotation)
    pattern, example = str(extra.get("match") or ""), str(extra.get("example") or "")
    if plain is bool:
        return True
    if plain is int:
        return int(example or 3600)
    if plain is datetime:
        return NEXT_YEAR
    if get_origin(plain) is list:
        return ["oauth", "contacts"]
    if get_origin(plain) is Literal:
        return get_args(plain)[0]
    if extra.get("multiline"):
        return PEM
    unique = f"{marker if declared.is_secret(name) else 'sample'}_{name}"
    if pattern and not declared.is_secret(name) and re.fullmatch(pattern, example):
        return example
    if not pattern:
        return unique
    value = FITTING.get(pattern, example.replace("...", "{}")).replace("{}", unique)
    if pattern not in FITTING and not re.fullmatch(pattern, value):
        raise LookupError(f"Give {name} an example that matches {pattern!r}, or extend FITTING.")
    return value


def make_oauth_app(organization: Organization, provider: str, **columns: Any) -> OAuthApp:
    """An OAuth app whose client id is not registered at the provider."""
    flow = kinds.oauth_of(provider)
    assert flow is not None
    properties = flow.app.model_validate({"client_secret": "client-secret", **extras_of(flow.app)})
    return OAuthApp.objects.create(
        **{
            "organization": organization,
            "provider": provider,
            "name": f"{provider} app",
            "client_id": "client-id",
            "properties": properties.public_values(),
            "secrets": properties.secret_values(),
            **columns,
        }
    )


def extras_of(declared: type[Properties], marker: str = "sample") -> dict[str, Any]:
    return sample_values(declared, marker)


def make_credential(organization: Organization, slug: str, **columns: Any) -> Credential:
    """A stored credential of a kind, with `properties` and with `marker` in its secrets."""
    kind, marker = kinds.get(slug), columns.pop("marker", "sample")
    values = {**sample_properties(kind, marker), **columns.pop("properties", {})}
    parsed = kind.properties_class.model_validate(values)
    credential: Credential = kind(
        **{
            "organization": organization,
            "name": f"{kind.full_title()} of {organization}",
            "properties": parsed.public_values(),
            "secrets": parsed.secret_values(),
            "identity": kind.identity_of(parsed.public_values()),
            **columns,
        }
    )
    credential.save()
    return credential


def give_secrets(giver: Credential, *, to: Credential) -> None:
    """Copy one row's encrypted secrets into another by SQL, where they can't be decrypted."""
    table = Credential._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET secrets = (SELECT secrets FROM {table} WHERE id = %s)"
            " WHERE id = %s",
            [giver._meta.pk.get_db_prep_value(row.pk, connection) for row in (giver, to)],
        )


def make_synced(credential: Credential, **columns: Any) -> tuple[Sync, Target, Consumer]:
    """A sync of the credential's account, and a consumer that writes it to a target."""
    organization = credential.organization
    sync = syncs.create(credential, actor=None, **{"name": "Invoices", **columns})
    place = {"host": "db.arrakis.test", "port": 5432, "database": "spice", "username": "sequin"}
    target = targets.create(
        organization, actor=None, name="Warehouse", password="spice-must-flow-0123456789", **place
    )
    consumer = consumers.create(
        organization, actor=None, name="To the warehouse", target=target, syncs=[sync]
    )
    return sync, target, consumer


def make_run(consumer: Consumer, sync: Sync, *, lease_s: int = 60) -> Run:
    """A run of the sync for the consumer, under way, of a key of its own."""
    organization = sync.organization
    key, _ = keys.create(organization, name="engine", scopes=[Scope.RUNS], actor=None)
    slots.make_slots(organization)
    wanted = RunFilter(sync_ids=[sync.pk], consumer_ids=[consumer.pk])
    claimed = claims.claim(key, wanted, timedelta(seconds=lease_s))
    assert claimed, "It is not due."
    return claimed.run


def new_pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return (
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
        .strip()
    )


PEM = new_pem()
