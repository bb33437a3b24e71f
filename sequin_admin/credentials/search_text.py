"""What a credential is found by: a text of its own, kept right whoever writes.

The text has a table of its own, as a credential is written by every probe and claim: each would
write all the trigrams of its row into the index again. And it is small enough to be read whole.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

from django.db import connection, models, transaction

from sequin_admin.access.models import Findable
from sequin_admin.core.chunks import CHUNK_SIZE
from sequin_admin.core.search_language import Term, all_of, pairs_of, parse_search
from sequin_admin.core.search_text import join_texts, leaves

# The columns that it is made of, besides the id. None of them holds a secret.
SEARCHED = ("name", "identity", "properties", "metadata")

FEW = 500

Row = TypeVar("Row", bound="SearchedRow")


class SearchText(models.Model):
    """The words of one credential, folded. Nobody but this module writes it."""

    credential = models.OneToOneField(
        "credentials.Credential", models.CASCADE, primary_key=True, related_name="search"
    )
    text = models.TextField()

    def __str__(self) -> str:
        return f"words of {self.credential_id}"


def search_text_of(pk: UUID, columns: dict[str, Any]) -> str:
    """Name, account, our id, and the values of properties and metadata. Lists of properties, such
    as scopes, are left out: all accounts of a provider have them in common."""
    named = (value for value in columns["properties"].values() if isinstance(value, str | int))
    account = (value for value in named if not isinstance(value, bool))
    found = (columns["name"], columns["identity"] or "", str(pk), *account)
    return join_texts((*found, *leaves(columns["metadata"])))


def write_search_texts(
    rows: models.QuerySet[models.Model], table: type[models.Model] = SearchText
) -> None:
    """Make the texts of these rows, few enough for one statement, as the rows are now."""
    locked = rows.order_by("pk").select_for_update(no_key=True).values("pk", *SEARCHED)
    save_texts({row["pk"]: search_text_of(row["pk"], row) for row in locked}, table)


def save_texts(texts: Mapping[UUID, str], table: type[models.Model] = SearchText) -> None:
    rows = [table(credential_id=pk, text=text) for pk, text in texts.items()]
    table._base_manager.bulk_create(
        rows, update_conflicts=True, update_fields=["text"], unique_fields=["credential"]
    )


def find_few(text: str) -> list[UUID] | None:
    """Ids of those with the words of a search, when these are few, for SQLite: it can't estimate
    what a word finds, and would look at every row of the organization."""
    words = [term.value for term in parse_search(text) if not term.key]
    if not words or connection.vendor != "sqlite":
        return None
    held = all_of([models.Q(text__has_word=word) for word in words])
    pks = list(SearchText.objects.filter(held).values_list("pk", flat=True)[: FEW + 1])
    return None if len(pks) > FEW else pks


class SearchedRow(models.Model):
    """Writes the text with the row, in the transaction in which the row's class saves it."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        columns = kwargs.get("update_fields")
        super().save(*args, **kwargs)
        if columns is None:
            save_texts({self.pk: self.build_search_text()})
        elif not set(SEARCHED).isdisjoint(columns):
            # The others as they are stored: whoever changed them meanwhile has committed.
            write_search_texts(type(self)._base_manager.filter(pk=self.pk))

    def build_search_text(self) -> str:
        return search_text_of(self.pk, {name: getattr(self, name) for name in SEARCHED})


class SearchedQuerySet(Findable[Row], Generic[Row]):
    """Writes the texts with rows that are created or changed at once, and searches in them."""

    def bulk_create(self, objs: Iterable[Row], *args: Any, **kwargs: Any) -> list[Row]:
        with transaction.atomic():
            rows = super().bulk_create(objs, *args, **kwargs)
            for start in range(0, len(rows), CHUNK_SIZE):
                chunk = rows[start : start + CHUNK_SIZE]
                save_texts({row.pk: row.build_search_text() for row in chunk})
        return rows

    def update(self, **kwargs: Any) -> int:
        if kwargs.keys().isdisjoint(SEARCHED):
            return super().update(**kwargs)
        with transaction.atomic():
            # By their keys: they may not pass the filters any more.
            pks = list(self.order_by().values_list("pk", flat=True))
            for start in range(0, len(pks), CHUNK_SIZE):
                rows = self.model._base_manager.filter(pk__in=pks[start : start + CHUNK_SIZE])
                rows.update(**kwargs)
                write_search_texts(rows)
        return len(pks)

    def searched(self, text: str) -> Self:
        rows, few = super().searched(text), find_few(text)
        return rows if few is None else rows.filter(pk__in=few)

    def containing(self, text: str) -> models.Q:
        return models.Q(search__text__has_word=text)

    def keyed(self, term: Term) -> models.Q:
        """As one set of rows: of an OR between two tables, PostgreSQL would read all rows."""
        written = SearchText.objects.filter(text__has_word=term.written)
        # The value is in the text, too, which is less to read than all metadata.
        held = SearchText.objects.filter(text__has_word=term.value)
        rows = self.model._base_manager.filter(pairs_of(term), pk__in=held.values("pk"))
        return models.Q(pk__in=written.values("pk").union(rows.values("pk")))
