"""Examples for the OpenAPI document: requests that can be sent as they are, and responses."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args, get_origin

from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import plain_type
from sequin_admin.credentials.private_keys import rsa_or_ec_key
from sequin_admin.credentials.properties import MASK, Properties

JsonSchema = Mapping[str, Any]

UUID = "0f8a13c5-7b8f-42dd-9c1e-6f1d2a3b4c5d"
METADATA = {"customer": "arrakis"}
RATE_LIMIT = {"allowed_requests": 100, "interval": 10_000, "max_concurrent_requests": 10}
QUIET_HOURS = {"starts": "22:00", "ends": "07:00", "time_zone": "Europe/Berlin"}
REDIRECT_URI = "https://app.arrakis.example/connected"
# Tried for patterns whose property has no example that matches.
FITTING = ("9341453172836475", "example")
BY_TYPE: dict[Any, Any] = {bool: False, list: ["read", "write"]}

# Values of properties, by name and JSON type.
WORDS = {
    "name": "Arrakis",
    "provider": "stripe",
    "kind": "stripe_key",
    "client_id": "b1b4f8a2-hubspot-client",
    "client_secret": MASK,
    "external_id": "customer-42",
    "sync_frequency": "4h",
    "summary": "There is no such credential in your organization.",
    "redirect_url": REDIRECT_URI,
    "url": "https://hooks.arrakis.example/sequin",
    "start_url": "https://sequin.arrakis.example/link/oauth2/start/Jx3kQ9",
    "host": "db.arrakis.example",
    "database": "warehouse",
    "username": "sequin",
    "password": "spic...6789",
    "fingerprint": "9f2c41d0a7b35e68",
    "base_url": "https://api.stripe.com",
    "contact_email": "duncan@arrakis.example",
    "credential_kind": "hubspot_oauth2",
    "accessor": "email",
    "upstream_id": "customer",
    "entity": "credential",
    "code": "revoked",
    "message": "HubSpot says that our access was revoked.",
    "remedy": "Ask the customer to connect again.",
    "sentence": "Arrakis revoked our access at HubSpot. Only they can grant it again.",
    "ticket": "",
    "lease": "1764100000000.1.1.worker",
    "slug": "production",
    "email": "paul@arrakis.example",
    "type": "incident.opened",
    "secret": "whsec_bm90IGEgcmVhbCBzZWNyZXQ",
    "message_id": "msg_2fQm",
    "timestamp": "2026-11-23T12:00:00Z",
    **{name: QUIET_HOURS[name] for name in ("starts", "ends")},
    "remaining": "x-ratelimit-remaining",
}
NUMBERS = {
    "allowed_requests": 100,
    "interval": 10_000,
    "max_concurrent_requests": 10,
    "max_age_days": 30,
    "port": 5432,
    "rows": 1200,
    "lag_s": 4,
    "status": 200,
    "uptime": 1,
}
# Values of objects and lists, which an example of a part alone would not explain.
PARTS: dict[str, Any] = {
    "metadata": METADATA,
    "collection_ids": ["stripe:customer", "stripe:invoice"],
    "properties": {"kind": "stripe_key", "name": "Arrakis", "secret": MASK, "test": True},
    "headers": {"Authorization": "Bearer sk_test_..."},
    "redirect_uris": [REDIRECT_URI],
    "scopes": ["oauth", "crm.objects.contacts.read"],
    "validation_errors": {"properties.secret": ["This field is required."]},
    "state": {"user": 42},
    "throttled": [[429, ""]],
}


# Of RFC 9500 section 2.3, which publishes keys for examples.
PRIVATE_KEY = rsa_or_ec_key("""-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIObLW92AqkWunJXowVR2Z5/+yVPBaFHnEedDk5WJxk/BoAoGCCqGSM49
AwEHoUQDQgAEQiVI+I+3gv+17KN0RFLHKh5Vj71vc75eSOkyMsxFxbFsTNEMTLjV
uKFxOelIgsiZJXKZNCX0FBmrfpCkKklCcg==
-----END EC PRIVATE KEY-----""")
KEY = {
    "name": "Sync worker",
    "prefix": "sqn_n7fF6-rA",
    "scopes": ["permits", "secrets"],
    "networks": ["192.0.2.0/24"],
    "requests_per_minute": 600,
    "former_token": None,
    "expires_at": "2030-01-01T00:00:00Z",
    "revoked_at": None,
    "token": "sqn_n7fF6-rA...",
}
# Values that can't be chosen by the name of the property alone, by schema.
OF_SCHEMA: dict[str, dict[str, Any]] = {
    # It is of a Stripe key, which has no app.
    "CredentialShape": {"oauth_app_id": None, "oauth_app": None},
    "OAuthAppShape": {"provider": "hubspot", "name": "HubSpot, production", "properties": {}},
    "KeyShape": KEY,
    "KeyWithToken": KEY,
    "GatewaySecretShape": {"client_secret": "sqg_n7fF6-rA...", "former_until": None},
}


def import_of(kind: Any) -> dict[str, Any]:
    """A request that imports a credential of this kind."""
    declared: type[Properties] = kind.properties_class
    asked = [name for name in declared.names() if not declared.options_of(name).get("read_only")]
    values = {name: example_value(declared, name) for name in asked}
    return {"properties": {"kind": kind.slug, **values}, "metadata": METADATA}


def patch_of(kind: Any) -> dict[str, Any]:
    """A request that changes such a credential: another name, and the kind's default limit."""
    rate = kind.rate.model_dump()
    return {"name": f"Arrakis, {kind.full_title()}", "metadata": METADATA, "rate_limit": rate}


def example_value(declared: type[Properties], name: str) -> Any:
    plain = plain_type(declared.model_fields[name].annotation)
    example = str(declared.options_of(name).get("example") or "")
    if get_origin(plain) is Literal:
        return get_args(plain)[0]
    if plain is int:
        return int(example or 3600)
    if declared.options_of(name).get("multiline"):
        return PRIVATE_KEY
    if pattern := declared.options_of(name).get("match"):
        tries = [example, example.replace("...", "example"), *FITTING]
        return next(text for text in tries if re.fullmatch(str(pattern), text))
    return example or BY_TYPE.get(get_origin(plain) or plain, "...")


# Bodies with an example for every kind of credential, by operation.
BY_KIND: dict[str, Callable[[Any], dict[str, Any]]] = {
    "import_credential": import_of,
    "import_credentials": lambda kind: {"credentials": [import_of(kind)], "dry_run": True},
    "update_credential": patch_of,
}

# Bodies by their schema. What is not here is made from what the schema requires.
STRIPE = {"kind": "stripe_key", "name": "Arrakis [TEST]", "secret": "sk_test_example", "test": True}
GITHUB_APP = {
    "app_id": "310104",
    "slug": "arrakis-sync",
    "private_key": "-----BEGIN RSA PRIVATE...",
}
BODIES: dict[str, dict[str, dict[str, Any]]] = {
    "StartAuth": {
        "connect": {
            "credential_kind": "hubspot_oauth2",
            "oauth_app_id": UUID,
            "redirect_url": REDIRECT_URI,
            "state": {"user": 42},
        }
    },
    "ExchangeCode": {"exchange": {"code": "Jx3kQ9vT", "redirect_uri": REDIRECT_URI}},
    "Contact": {
        "set": {"contact_email": "duncan@arrakis.example"},
        "take away": {"contact_email": ""},
    },
    "PermitAsk": {
        "one call": {},
        "ten calls": {"n": 10, "wait_ms": 2000, "lease_ms": 60_000},
    },
    "Releases": {"ok": {"releases": [{"lease": WORDS["lease"], "outcome": "ok", "used_ms": 40}]}},
    "OAuthAppCreate": {
        "hubspot": {
            "provider": "hubspot",
            "name": "HubSpot, production",
            "client_id": "b1b4f8a2-hubspot-client",
            "client_secret": "hubspot-client-secret",
            "scopes": ["oauth", "crm.objects.contacts.read"],
            "redirect_uris": [REDIRECT_URI],
            "metadata": {"team": "growth"},
        },
        "github": {
            "provider": "github",
            "name": "GitHub, production",
            "client_id": "Iv1.example",
            "client_secret": "github-client-secret",
            "properties": GITHUB_APP,
        },
    },
    "OAuthAppPatch": {
        "replace the secret": {"client_secret": "the-new-client-secret"},
        "register addresses": {"redirect_uris": [REDIRECT_URI], "metadata": {"team": "growth"}},
    },
    "GatewaySecretRotation": {"make": {}, "rotate at once": {"overlap_hours": 0}},
    "StreamCreate": {"production": {"slug": "production"}},
    "StreamPatch": {"rename": {"slug": "production-eu"}},
    "SyncCreate": {
        "of a credential that is there": {
            "provider": "stripe",
            "name": "Arrakis invoices",
            "collection_ids": ["stripe:customer", "stripe:invoice"],
            "credential_id": UUID,
            "max_age_days": 7,
            "sync_frequency": "4h",
            "external_id": "customer-42",
            "metadata": METADATA,
        },
        "with its credential": {
            "provider": "stripe",
            "name": "Arrakis customers",
            "collection_ids": ["stripe:customer"],
            "credential": {"properties": STRIPE, "metadata": METADATA},
            "rate_limit": {
                "allowed_requests": 10,
                "interval": 1000,
                "max_concurrent_requests": 5,
            },
        },
    },
    "SyncPatch": {
        "disable": {"status": "disabled"},
        "choose collections": {"collection_ids": ["stripe:invoice"], "sync_frequency": "30m"},
        "everything of any age": {"max_age_days": None},
    },
    "Report": {
        "it works": {"rows": 1200, "lag_s": 4.5, "initial_backfill_completed": True},
        "the customer must act": {
            "error": {
                "owner": "customer",
                "code": "missing_permission",
                "message": "Stripe does not let this key read invoices.",
            }
        },
    },
    "TargetCreate": {
        "database": {
            "name": "Warehouse",
            "connection": {
                "host": "db.arrakis.example",
                "port": 5432,
                "database": "warehouse",
                "username": "sequin",
                "password": "spice-must-flow",
            },
            "ssl_mode": "require",
            "metadata": {"team": "growth"},
        }
    },
    "TargetPatch": {
        "rename": {"name": "Warehouse, west"},
        "new password": {"connection": {"password": "spice-must-flow-again"}},
    },
    "ConsumerCreate": {
        "all syncs": {"name": "To the warehouse", "syncs": ["*"], "target_id": UUID},
        "some syncs": {"name": "Invoices only", "syncs": [UUID], "target_id": UUID},
    },
    "ConsumerPatch": {"pause": {"active": False}, "all syncs": {"syncs": ["*"]}},
    "WebhookCreate": {
        "incidents": {
            "name": "Pager",
            "url": "https://hooks.arrakis.example/sequin",
            "event_types": ["incident.*"],
            "min_severity": "warning",
        }
    },
    "WebhookPatch": {
        "stop": {"enabled": False},
        "everything": {"event_types": [], "min_severity": "info"},
    },
    "ChannelCreate": {
        "mail": {"kind": "mail", "name": "On call", "address": "oncall@arrakis.example"},
        "slack, not at night": {
            "kind": "slack",
            "name": "Operations",
            "address": "https://hooks.slack.com/services/T00000000/B00000000/example",
            "event_types": ["incident.*"],
            "quiet_hours": QUIET_HOURS,
        },
    },
    "ChannelPatch": {"not at night": {"quiet_hours": QUIET_HOURS}, "stop": {"enabled": False}},
    "KeyCreate": {
        "worker": {"name": "Sync worker", "scopes": ["secrets", "permits"]},
        "from one network, for a while": {
            "name": "Reports",
            "scopes": ["read"],
            "networks": ["192.0.2.0/24"],
            "requests_per_minute": 600,
            "expires_at": "2030-01-01T00:00:00Z",
        },
    },
    "KeyPatch": {
        "rename": {"name": "Sync worker, west"},
        "from anywhere": {"networks": [], "requests_per_minute": None},
    },
    "Rotation": {"within a day": {}, "at once": {"overlap_hours": 0}},
    "LinkCreate": {
        "connect": {
            "kinds": ["hubspot_oauth2"],
            "oauth_app_id": UUID,
            "name": "Arrakis",
            "metadata": METADATA,
        },
        "reconnect": {"reconnects": UUID, "expires_in_s": 86_400},
    },
    "LinkPatch": {"rename": {"name": "Arrakis, west"}},
    "BulkReconnect": {"one customer": {"credential_ids": [UUID]}},
    "NewSecrets": {"stripe": {"properties": STRIPE}},
    "ManyLimits": {"one of many": {"credential_ids": [UUID], "rate_limit": RATE_LIMIT}},
    "PaceAsk": {"a million records": {"rate_limit": RATE_LIMIT, "records": 1_000_000}},
}


def body_examples(
    operation: JsonSchema, schema: JsonSchema, schemas: JsonSchema
) -> dict[str, dict[str, Any]]:
    """The named examples of a request body, each with the summary that Swagger shows."""
    by_kind = BY_KIND.get(operation["operationId"])
    if by_kind:
        return {
            kind.slug: {"summary": kind.full_title(), "value": by_kind(kind)}
            for kind in kinds.all()
        }
    written = BODIES.get(name_of(schema))
    if written:
        return {
            title.replace(" ", "_"): {"summary": title.capitalize(), "value": value}
            for title, value in written.items()
        }
    return {"example": {"value": example_of(schema, schemas, only_required=True)}}


def name_of(schema: JsonSchema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def example_of(
    schema: JsonSchema, schemas: JsonSchema, name: str = "", *, only_required: bool = False
) -> Any:
    """A value that fits `schema`: its own example if it has one, else one by property name."""
    if "$ref" in schema:
        made = example_of(
            {**schemas[name_of(schema)], **{n: v for n, v in schema.items() if n != "$ref"}},
            schemas,
            name,
            only_required=only_required,
        )
        known = OF_SCHEMA.get(name_of(schema), {})
        return {**made, **{n: known[n] for n in made if n in known}} if known else made
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return WORDS[name] if WORDS.get(name) in schema["enum"] else schema["enum"][0]
    for choices in ("anyOf", "oneOf", "allOf"):
        if choices in schema:
            first: JsonSchema = next((c for c in schema[choices] if c.get("type") != "null"), {})
            return example_of(first, schemas, name, only_required=only_required)
    return example_by_type(schema, schemas, name, only_required)


def example_by_type(schema: JsonSchema, schemas: JsonSchema, name: str, only_required: bool) -> Any:
    match schema.get("type"):
        case "string":
            return example_text(schema, name)
        case "integer" | "number":
            return NUMBERS.get(name, schema.get("minimum", schema.get("default") or 1))
        case "boolean":
            return bool(schema.get("default", True))
        case "null":
            return None
        case "array":
            if isinstance(PARTS.get(name), list):
                return PARTS[name]
            items = schema.get("items", {})
            return [example_of(items, schemas, name, only_required=only_required)]
        case "object" if "properties" in schema:
            named = schema["properties"].items()
            wanted = set(schema.get("required", [])) if only_required else set(dict(named))
            return {
                n: example_of(each, schemas, n, only_required=only_required)
                for n, each in named
                if n in wanted
            }
        case "object":
            return PARTS[name] if isinstance(PARTS.get(name), dict) else {}
        case _:
            return PARTS.get(name, WORDS.get(name))


def example_text(schema: JsonSchema, name: str) -> str:
    by_format = {"uuid": UUID, "date-time": WORDS["timestamp"], "email": WORDS["email"]}
    if schema.get("format") in by_format:
        return by_format[schema["format"]]
    if name.endswith("_at") or name in ("at", "since"):
        return WORDS["timestamp"]
    if name == "id" or name.endswith("_id"):
        return WORDS.get(name, UUID)
    return WORDS.get(name, str(schema.get("default") or "..."))
