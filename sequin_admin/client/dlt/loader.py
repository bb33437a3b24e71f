"""Writes what a run reads into its target, with dlt."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeAlias

import dlt

from sequin_admin.client.dlt import tables
from sequin_admin.client.dlt.connections import libpq_parameters
from sequin_admin.client.dlt.counting import Counting
from sequin_admin.client.dlt.destination import destination
from sequin_admin.client.dlt.faults import target_errors
from sequin_admin.client.dlt.loaded import LoadedCollection
from sequin_admin.client.dlt.pages import Page, Round, rounds
from sequin_admin.client.dlt.settings import given_settings
from sequin_admin.client.dlt.writer import Writer, WriterIdentity
from sequin_admin.client.runs import HeldCollection, HeldRun

# Pages that are written, committed and reported together, at first.
PAGES = 10
# Rows that a sweep deletes at once.
SWEPT = 5_000
Read: TypeAlias = Callable[[object], Iterable[Page]]


def ahead(reader: ThreadPoolExecutor, made: Iterator[Round]) -> Iterator[Round]:
    """Each round, while the next one is read. Raises what reading it raises."""
    following = reader.submit(next, made, None)
    while (current := following.result()) is not None:
        following = reader.submit(next, made, None)
        yield current


class Loader:
    """The only writer of a run's rows, for as long as the block lasts.

        with Loader(run) as loader:
            for collection in run.collections:
                loader.load(collection, read, deletes="feed")

    The rows of a collection `contact` are in the table `contact_raw`, as they were sent, and in the
    view `contact`, with a column for each field. Both are in a schema of the sync, so that ids of
    two accounts never meet.
    """

    def __init__(self, run: HeldRun, *, pages: int = PAGES) -> None:
        self.run, self.pages = run, pages
        self.stack = ExitStack()

    def __enter__(self) -> "Loader":
        with ExitStack() as stack:
            self.start(stack)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self.stack.close()

    def start(self, stack: ExitStack) -> None:
        tables.refuse_shared_names(each.collection_id for each in self.run.collections)
        run, target = self.run, self.run.target()
        dataset = tables.dataset_name(target.schema, run.sync_id)
        identity = WriterIdentity(run.sync_id, run.target_id, run.consumer_id, run.fence)
        parameters = stack.enter_context(libpq_parameters(target))
        with target_errors():
            self.writer = Writer(identity, parameters, dataset)
            stack.callback(self.writer.close)
            self.writer.take()
        stack.enter_context(given_settings())
        # A folder of its own: what a killed run has left there is not loaded by the next one.
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sequin-dlt-"))
        self.pipeline = dlt.pipeline(
            f"sync_{run.sync_id.replace('-', '')}",
            pipelines_dir=folder,
            destination=destination(self.writer),
            dataset_name=dataset,
        )

    def load(
        self,
        collection: HeldCollection,
        read: Read,
        *,
        deletes: str = "none",
        key: str = "id",
        fields: str = "",
    ) -> None:
        """Write the pages that `read(cursor)` yields, and report each round once it is committed.

        `key` is the field with a row's key, `fields` the one that has the row's own fields. With
        `deletes="sweep"` rows that no page has `seen` are deleted. The cursor is None at first,
        and when the target does not have the rows any more. A new generation that lacks many rows
        waits for a person: it is filled further by the next run.
        """
        with target_errors():
            loaded = self.open(collection, fields)
        cursor = collection.cursor if loaded.has_rows else None
        counting = Counting(self.run, collection, deletes, is_full=cursor is None)
        reading = rounds(counting.watch(read(cursor)), self.pages, key)
        with ThreadPoolExecutor(1) as reader:
            try:
                for made in ahead(reader, reading):
                    self.write(loaded, made, counting)
            finally:
                counting.is_over = True
        is_swept = counting.seen is None or self.sweep(loaded, counting, counting.seen)
        if loaded.generation and not (is_swept and self.swap(loaded, counting)):
            return
        counting.report_end()

    def open(self, collection: HeldCollection, fields: str) -> LoadedCollection:
        name = tables.table_name(collection.collection_id)
        generation = collection.generation if collection.resync else 0
        return LoadedCollection(
            self.writer, self.pipeline, name, generation=generation, fields=fields
        )

    def write(self, loaded: LoadedCollection, made: Round, counting: Counting) -> None:
        self.run.check()
        with target_errors():
            self.writer.check_lock()
            written, deleted = loaded.write(made)
        if loaded.hindrance:
            self.run.log(loaded.hindrance)
        counting.report(made, written, deleted)

    def sweep(self, loaded: LoadedCollection, counting: Counting, seen: set[str]) -> bool:
        """Delete what was not seen. False, and nothing is deleted, while that is so much that a
        person must confirm it."""
        with target_errors():
            unseen = loaded.unseen(seen)
        if not counting.may_delete(len(seen), len(unseen)):
            return False
        for start in range(0, len(unseen), SWEPT):
            page = Page(gone=unseen[start : start + SWEPT])
            for made in rounds([page], 1, ""):
                self.write(loaded, made, counting)
        return True

    def swap(self, loaded: LoadedCollection, counting: Counting) -> bool:
        """Let readers see the new generation. False, and they see the old one, while the new one
        lacks so many of its rows that a person must confirm it."""
        with target_errors():
            counts = loaded.count_swap()
        if not counting.may_delete(*counts):
            return False
        with target_errors():
            loaded.swap()
        return True
