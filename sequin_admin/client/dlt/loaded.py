"""One collection in the target: its table, its view, and the loads of dlt."""

from typing import Any

import dlt
from psycopg2.extensions import cursor as Cursor

from sequin_admin.client.dlt import tables
from sequin_admin.client.dlt.pages import Round, as_json
from sequin_admin.client.dlt.views import View
from sequin_admin.client.dlt.writer import Writer

COLUMNS: dict[str, Any] = {
    "id": {"data_type": "text", "nullable": False},
    "data": {"data_type": "json"},
    # Rows with it are deleted from the table.
    "gone": {"data_type": "bool", "hard_delete": True},
}


class LoadedCollection:
    """Rows of `name` are in the table `name_raw`, or in that of a new generation until it ends."""

    def __init__(
        self,
        writer: Writer,
        pipeline: dlt.Pipeline,
        name: str,
        *,
        generation: int = 0,
        fields: str = "",
    ) -> None:
        self.writer, self.pipeline, self.dataset = writer, pipeline, writer.dataset
        self.main, self.generation = f"{name}_raw", generation
        self.view = View(writer.dataset, name, self.main, fields)
        # What hinders the view from having a column's new type.
        self.hindrance = ""
        with writer.transaction() as cursor:
            if generation and tables.generation(cursor, self.dataset, self.main) == generation:
                # A run was cut off between the swap and its report.
                self.generation = 0
            self.table = f"{self.main}_{self.generation}" if self.generation else self.main
            tables.drop_former(cursor, self.dataset, self.main, self.table)
            self.has_rows = tables.prepare(cursor, self.dataset, self.table)
        self.is_new = not self.has_rows

    def write(self, made: Round) -> tuple[int, int]:
        """Commit a round. Returns how many rows it has written, and how many deleted."""
        with self.writer.transaction() as cursor:
            self.widen_view(cursor, made)
            if self.has_rows:
                self.drop_unneeded(cursor, made)
            else:
                made.forget(made.gone)
        written, deleted = len(made.rows), len(made.gone)
        if made.changes:
            self.run_dlt(made)
            self.has_rows = True
        if made.changes and self.is_new:
            self.finish_first(made)
        return written, deleted

    def drop_unneeded(self, cursor: Cursor, made: Round) -> None:
        """What the target has already: rows that are read again, and deletions."""
        known = {*tables.existing_keys(cursor, self.dataset, self.table, [*made.changes])}
        made.forget(key for key in made.gone if key not in known)
        texts = {key: as_json(row) for key, row in made.changes.items() if row and key in known}
        if texts:
            made.forget(tables.unchanged_keys(cursor, self.dataset, self.table, texts))

    def run_dlt(self, made: Round) -> None:
        """`delete-insert`: with `upsert`, a second tombstone of a row brings it back."""
        resource = dlt.resource(
            # One item, as each costs a step of dlt's own.
            iter([[*made.records()]]),
            name=self.table,
            primary_key="id",
            columns=COLUMNS,
            write_disposition={"disposition": "merge", "strategy": "delete-insert"},
            max_table_nesting=0,
        )
        self.pipeline.run(resource, loader_file_format="csv")

    def finish_first(self, made: Round) -> None:
        """After the first load into a table."""
        with self.writer.transaction() as cursor:
            tables.ensure_primary_key(cursor, self.dataset, self.table)
            self.widen_view(cursor, made)
        self.is_new = False

    def widen_view(self, cursor: Cursor, made: Round) -> None:
        exists = tables.exists(cursor, self.dataset, self.main)
        if exists and not self.view.fits(made.rows):
            self.hindrance = self.view.widen(cursor, made.rows)

    def unseen(self, seen: set[str]) -> list[str]:
        """Keys of rows that a sweep has not seen."""
        with self.writer.transaction() as cursor:
            known = tables.existing_keys(cursor, self.dataset, self.table, None)
        return [key for key in known if key not in seen]

    def count_swap(self) -> tuple[int, int]:
        """How many rows the new generation has, and how many that readers see it lacks."""
        with self.writer.transaction() as cursor:
            return tables.count_swap(cursor, self.dataset, self.main, self.table)

    def swap(self) -> None:
        """Let the new generation be what readers see, in one transaction."""
        with self.writer.transaction() as cursor:
            tables.swap(cursor, self.dataset, self.main, self.table, self.generation)
            self.view.types = None
            self.widen_view(cursor, Round())
        self.table, self.generation = self.main, 0
