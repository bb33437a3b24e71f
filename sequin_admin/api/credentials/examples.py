"""Examples of requests for each kind of credential, from what its properties declare."""

import re
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

from sequin_admin.api.framework.schemas import NamedExamples
from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import plain_type
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.private_keys import rsa_or_ec_key
from sequin_admin.credentials.properties import Properties

METADATA = {"customer": "arrakis"}
STRIPE = {"kind": "stripe_key", "name": "Arrakis [TEST]", "secret": "sk_test_example", "test": True}
# Tried for patterns whose property has no example that matches.
FITTING = ("9341453172836475", "example")
BY_TYPE: dict[Any, Any] = {bool: False, list: ["read", "write"]}
# Of RFC 9500 section 2.3, which publishes keys for examples.
PRIVATE_KEY = rsa_or_ec_key("""-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIObLW92AqkWunJXowVR2Z5/+yVPBaFHnEedDk5WJxk/BoAoGCCqGSM49
AwEHoUQDQgAEQiVI+I+3gv+17KN0RFLHKh5Vj71vc75eSOkyMsxFxbFsTNEMTLjV
uKFxOelIgsiZJXKZNCX0FBmrfpCkKklCcg==
-----END EC PRIVATE KEY-----""")


def of_kinds(example: Callable[[type[Credential]], dict[str, Any]]) -> NamedExamples:
    return {
        kind.slug: {"summary": kind.full_title(), "value": example(kind)} for kind in kinds.all()
    }


def import_of(kind: type[Credential]) -> dict[str, Any]:
    """A request that imports a credential of this kind."""
    declared = kind.properties_class
    asked = [name for name in declared.names() if not declared.options_of(name).get("read_only")]
    values = {name: example_value(declared, name) for name in asked}
    return {"properties": {"kind": kind.slug, **values}, "metadata": METADATA}


def bulk_of(kind: type[Credential]) -> dict[str, Any]:
    """A request that tries such an import without doing it."""
    return {"credentials": [import_of(kind)], "dry_run": True}


def patch_of(kind: type[Credential]) -> dict[str, Any]:
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
