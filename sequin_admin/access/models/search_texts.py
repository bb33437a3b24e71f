"""What rows are found by: a text of its own for each, kept right whoever writes the row.

The texts have a table of their own, as rows are written again and again for other reasons: each
time all the trigrams of the row would be written into the index. And it is small enough to be read
whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar, cast
from uuid import UUID

from django.db import connection, models, transaction

from sequin_admin.access.models.organizations import Findable
from sequin_admin.core.chunks import CHUNK_SIZE
from sequin_admin.core.search_language import Term, all_of, pairs_of, parse_search
from sequin_admin.core.search_text import GRAM, fold, join_texts, leaves

# As many rows as a list shows.
FEW = 2000

Few = Mapping[type[models.Model], list[UUID]]
Row = TypeVar("Row", bound="SearchedRow")


class RowText(models.Model):
    """The words of one row, folded. A class of it has the row as its primary key, with `search` as
    the way back. Nobody but this module writes it."""

    text = models.TextField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"words of {self.pk}"


class SearchedRow(models.Model):
    """Writes the text with the row, in the transaction in which the row's class saves it."""

    # What the text is made of, besides the id. None of them holds a secret.
    searched_columns: ClassVar[tuple[str, ...]] = ("name", "metadata")

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        columns = kwargs.get("update_fields")
        super().save(*args, **kwargs)
        if columns is None:
            save_texts({self.pk: self.build_search_text()}, table_of(type(self)))
        elif not set(self.searched_columns).isdisjoint(columns):
            # The others as they are stored: whoever changed them meanwhile has committed.
            write_search_texts(type(self), type(self)._base_manager.filter(pk=self.pk))

    @classmethod
    def search_text_of(cls, pk: UUID, columns: dict[str, Any]) -> str:
        """The searched columns, with the values of metadata, and our id."""
        named = (columns[name] for name in cls.searched_columns if name != "metadata")
        return join_texts((*named, str(pk), *leaves(columns["metadata"])))

    def build_search_text(self) -> str:
        columns = {name: getattr(self, name) for name in self.searched_columns}
        return self.search_text_of(self.pk, columns)


def table_of(model: type[SearchedRow]) -> type[models.Model]:
    """The table of its texts."""
    back = next(each for each in model._meta.related_objects if each.name == "search")
    return back.related_model


def write_search_texts(
    model: type[SearchedRow],
    rows: models.QuerySet[models.Model],
    table: type[models.Model] | None = None,
) -> None:
    """Make the texts of these rows, few enough for one statement, as the rows are now."""
    locked = (
        rows.order_by("pk").select_for_update(no_key=True).values("pk", *model.searched_columns)
    )
    texts = {row["pk"]: model.search_text_of(row["pk"], row) for row in locked}
    save_texts(texts, table or table_of(model))


def fill_search_texts(
    model: type[SearchedRow], rows: models.QuerySet[models.Model], table: type[models.Model]
) -> None:
    """For a migration that adds the table: the texts that are missing, a batch at a time, each in
    a transaction of its own. Nobody waits for more, and one that was broken off goes on."""
    missing = rows.filter(search=None).order_by("pk")
    pks = list(missing.values_list("pk", flat=True)[:CHUNK_SIZE])
    while pks:
        with transaction.atomic():
            write_search_texts(model, rows.filter(pk__in=pks), table)
        left = missing.filter(pk__gt=pks[-1])
        pks = list(left.values_list("pk", flat=True)[:CHUNK_SIZE])


def save_texts(texts: Mapping[UUID, str], table: type[models.Model]) -> None:
    owner = table._meta.pk
    rows = [table(**{owner.attname: pk, "text": text}) for pk, text in texts.items()]
    table._base_manager.bulk_create(
        rows, update_conflicts=True, update_fields=["text"], unique_fields=[owner.name]
    )


def find_few(tables: Sequence[type[models.Model]], text: str) -> Few:
    """Ids among which are all that a search finds, by the table of their texts, where these are
    few: neither database can estimate that, and would look at every row of the organization. One
    query, or none."""
    return find_few_with(tables, parse_search(text))


def find_few_with(tables: Sequence[type[models.Model]], terms: Sequence[Term]) -> Few:
    """As `find_few()`, with the terms of a search."""
    holding = {table: rows for table in tables if (rows := rows_holding(table, terms))}
    parts = [
        each.model._base_manager.filter(pk__in=each[: FEW + 1].values("pk")).values_list(
            models.Value(number), "pk"
        )
        for number, rows in enumerate(holding.values())
        for each in rows
    ]
    found = set(parts[0].union(*parts[1:], all=True)) if parts else ()
    pks = {table: [pk for at, pk in found if at == n] for n, table in enumerate(holding)}
    return {table: each for table, each in pks.items() if len(each) <= FEW}


def rows_holding(
    table: type[models.Model], terms: Iterable[Term]
) -> list[models.QuerySet[models.Model]]:
    """Rows whose keys are of all that is found. Of what PostgreSQL finds by the index of texts,
    none: that leaves a key of the metadata whose value is too short for it."""
    texts, terms = table._base_manager.all(), terms_in_text(table, terms)
    if connection.vendor == "sqlite":
        words = all_of([models.Q(text__has_word=each.value) for each in terms])
        return [texts.filter(words)] if words else []
    keyed = next((each for each in terms if each.key and len(fold(each.value)) < GRAM), None)
    if keyed is None:
        return []
    owners = owner_of(table)._base_manager.filter(pairs_of(keyed))
    return [texts.filter(text__has_word=keyed.written), owners]


def terms_in_text(table: type[models.Model], terms: Iterable[Term]) -> list[Term]:
    """Those whose value is in the text of every row that is found: words, and keys of the
    metadata."""
    rows = cast(Findable[models.Model], owner_of(table)._default_manager.all())
    return [each for each in terms if each.key.casefold() not in rows.search_filters]


def owner_of(table: type[models.Model]) -> type[models.Model]:
    return cast(type[models.Model], table._meta.pk.related_model)


class SearchedQuerySet(Findable[Row], Generic[Row]):
    """Writes the texts with rows that are created or changed at once, and searches in them."""

    def bulk_create(self, objs: Iterable[Row], *args: Any, **kwargs: Any) -> list[Row]:
        with transaction.atomic():
            rows = super().bulk_create(objs, *args, **kwargs)
            for start in range(0, len(rows), CHUNK_SIZE):
                chunk = rows[start : start + CHUNK_SIZE]
                texts = {row.pk: row.build_search_text() for row in chunk}
                save_texts(texts, table_of(self.model))
        return rows

    def update(self, **kwargs: Any) -> int:
        if kwargs.keys().isdisjoint(self.model.searched_columns):
            return super().update(**kwargs)
        with transaction.atomic():
            # By their keys: they may not pass the filters any more.
            pks = list(self.order_by().values_list("pk", flat=True))
            for start in range(0, len(pks), CHUNK_SIZE):
                rows = self.model._base_manager.filter(pk__in=pks[start : start + CHUNK_SIZE])
                rows.update(**kwargs)
                write_search_texts(self.model, rows)
        return len(pks)

    def searched(self, text: str) -> Self:
        return self.searched_among(find_few((table_of(self.model),), text), text)

    def searched_among(self, few: Few, text: str) -> Self:
        """As `searched()`, with what `find_few()` has found."""
        rows, pks = super().searched(text), few.get(table_of(self.model))
        return rows if pks is None else rows.filter(pk__in=pks)

    def containing(self, text: str) -> models.Q:
        return models.Q(search__text__has_word=text)

    def keyed(self, term: Term) -> models.Q:
        """The value is in the text, too: who has it is found by it, or seen to have it on the way
        through rows that are in order, before all metadata of the organization is read."""
        held = models.Q(search__text__has_word=term.value)
        return held & (models.Q(search__text__has_word=term.written) | pairs_of(term))
