"""Runs in `.venv-engine`: a run without a server, whose reports are kept."""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

from sequin_admin.client.dlt import Loader, Page
from sequin_admin.client.dlt.pages import Round
from sequin_admin.client.held_run import clock_s
from sequin_admin.client.permits import Pace, Permits
from sequin_admin.client.runs import HeldCollection, HeldRun

SYNC, CONSUMER, TARGET = "5b9c1f60-aaaa", "c0ffee00-bbbb", "7a59e700-cccc"


class Door:
    """Takes reports, and knows the target. Deletes that `holds` names wait for a person."""

    def __init__(self, target, holds):
        self.known, self.holds, self.reports = target, holds, []

    def report(self, run_id, body, key=""):
        self.reports.append(body)
        told = [each["rows_to_delete"] for each in body.get("collections", [])]
        asked = {"kind": "hold_deletes", "collection_id": COLLECTION.collection_id}
        return {"requests": [asked] if set(told) & set(self.holds) else []}

    def target(self, run_id):
        return self.known


def make_run(target, fence=1, holds=()):
    shown = {
        "id": f"run-{fence}",
        "fence": fence,
        "sync_id": SYNC,
        "sync_name": "Arrakis",
        "consumer_id": CONSUMER,
        "target_id": TARGET,
        "credential_id": "credential",
        "provider": "stripe",
        "kind": "stripe_key",
    }
    answer = {"run": shown, "collections": []}
    credential = SimpleNamespace(permits=Permits(lambda *sent: None, Pace()))
    return HeldRun(Door(target, holds), answer, lambda *_: credential, 600, clock_s())


COLLECTION = HeldCollection("stripe:customer", "Customers", None, 1, None)


def load(target, *rounds, fence=1, collection=COLLECTION, deletes="feed", holds=(), **more):
    """Each round is a list of rows, and of keys that are gone. Returns the reports."""
    pages = [Page(**each) for each in rounds]
    run = make_run(target, fence, holds)
    with Loader(run, pages=1) as loader:
        loader.load(collection, lambda cursor: pages, deletes=deletes, **more)
    return [part for body in run.door.reports for part in body.get("collections", [])]


def resync(generation):
    return replace(COLLECTION, generation=generation, swap_from=1)


def main():
    """Answers each line of runs with a line of their reports."""
    for line in sys.stdin:
        given = json.loads(line)
        reports = [carry_out(given["target"], each, given["fence"]) for each in given["runs"]]
        print(json.dumps(reports), flush=True)


def carry_out(target, given, fence):
    pages, generation = given.pop("pages"), given.pop("generation", None)
    collection = resync(generation) if generation else COLLECTION
    if name := given.pop("collection_id", ""):
        collection = replace(collection, collection_id=name)
    return load(target, *pages, fence=fence, collection=collection, **given)


def replace_writer():
    """Prints what the first of two runs meets, once the second one holds the target."""
    target = json.load(sys.stdin)
    first, second = make_run(target, 1_000), make_run(target, 1_001)
    with Loader(first) as loader:
        loaded = loader.open(COLLECTION, "")
        begun = loader.writer.connect()
        begun.autocommit = False
        cursor = begun.cursor()
        cursor.execute(f"DELETE FROM {loader.writer.dataset}.customer_raw")
        with Loader(second):
            meet(lambda: cursor.execute("SELECT 1"))
        meet(lambda: loader.writer.transaction().__enter__())
        meet(lambda: loaded.run_dlt(Round(changes={"late": {"id": "late"}})))


def meet(act):
    try:
        act()
    except Exception as error:
        print(type(error).__name__)
