"""Text that is searched for words, and its index.

The text is folded when it is written, and so are the words that are looked for: a database compares
only equal letters, so both databases, in every locale, find the same rows. On PostgreSQL an index
of trigrams, which needs no extension, finds the rows that may hold a word; LIKE decides.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import TextField, lookups
from django.db.models.sql.compiler import SQLCompiler

# Of three letters, as in `search_trigrams()`, the function of the index.
GRAM = 3


def fold(text: str) -> str:
    """The text as it is compared: one line without case, and without what no database stores."""
    stored = text.encode("utf-8", "ignore").decode().replace("\0", "")
    return stored.replace("\n", " ").casefold()


def join_texts(values: Iterable[object]) -> str:
    """The folded texts of the values, each once, a line each."""
    texts = (fold(value if isinstance(value, str) else json.dumps(value)) for value in values)
    return "\n".join(dict.fromkeys(filter(None, texts)))


def leaves(value: object) -> Iterator[object]:
    """The texts, numbers and booleans in a JSON value."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from leaves(each)
    elif value is not None:
        yield value


def trigrams(text: str) -> list[str]:
    """What the index holds of the folded text."""
    return sorted({text[at : at + GRAM] for at in range(len(text) - GRAM + 1)})


class HasWord(lookups.Contains):
    """`has_word`: folded texts that contain the word, whatever its case."""

    def get_prep_lookup(self) -> str:
        return fold(str(self.rhs))

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[object]]:
        sql, params = self.as_sql(compiler, connection)
        found = trigrams(self.rhs)
        if not found:
            return sql, [*params]
        column, of_column = self.process_lhs(compiler, connection)
        # LIKE first: where no index is used, the trigrams of a row take a hundred times as long.
        indexed = f"search_trigrams({column}) @> %s::text[]"
        return f"({sql} AND {indexed})", [*params, *of_column, found]


TextField.register_lookup(HasWord, "has_word")
