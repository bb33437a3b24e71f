"""Collections of an account (tables, objects) with their main fields, as a kind declares them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class CollectionField:
    """One field of a collection. `accessor` is the provider's key in its records."""

    accessor: str
    name: str = ""
    type: str = "text"
    primary_key: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CollectionSchema:
    """One collection. `upstream_id` is the provider's own name or id for it."""

    upstream_id: str
    name: str
    columns: tuple[CollectionField, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


def collection_schema(upstream_id: str, columns: str, *, name: str = "") -> CollectionSchema:
    """Parse a collection from a line: `collection_schema("invoice", "id! customer total:number")`.

    `!` marks the primary key. A type other than text follows a colon.
    """
    return CollectionSchema(
        upstream_id, name or title_of(upstream_id), tuple(map(collection_field, columns.split()))
    )


def collection_field(text: str) -> CollectionField:
    accessor, _, kind = text.partition(":")
    key = accessor.removesuffix("!")
    return CollectionField(key, title_of(key), kind or "text", primary_key=accessor.endswith("!"))


def title_of(name: str) -> str:
    """payment_intent -> Payment intent; OpportunityLineItem stays as the provider spells it."""
    words = name.replace("_", " ")
    return words if any(letter.isupper() for letter in words) else words.capitalize()
