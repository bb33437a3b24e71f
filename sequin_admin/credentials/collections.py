"""Collections of an account (tables, objects) with their main fields, as a kind declares them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# The longest of a provider's names and ids that are stored.
NAME_CHARS = 250


@dataclass(frozen=True)
class CollectionField:
    """One field of a collection. `accessor` is the provider's key in its records.

    Raises `ValueError` for what is no name, as an answer may contain anything.
    """

    accessor: str
    name: str = ""
    type: str = "text"
    primary_key: bool = False
    metadata: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_texts(self.accessor, self.name or self.accessor)


@dataclass(frozen=True)
class CollectionSchema:
    """One collection. `upstream_id` is the provider's own name or id for it."""

    upstream_id: str
    name: str
    columns: tuple[CollectionField, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_texts(self.upstream_id, self.name)
        if len(self.upstream_id) > NAME_CHARS:
            raise ValueError("The id of the collection is too long.")


def require_texts(*values: object) -> None:
    """Raises `ValueError` unless each value is a text and not empty."""
    if not all(isinstance(value, str) and value for value in values):
        raise ValueError("A name of the collection is missing or no text.")


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
