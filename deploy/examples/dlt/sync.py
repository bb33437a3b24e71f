"""Keeps PostgreSQL in step with Stripe, HubSpot and Airtable accounts: one process, with dlt.

    SEQUIN_URL=https://admin.example.com SEQUIN_API_KEY=... python deploy/examples/dlt/sync.py

The key has the scope `runs`. Any number of these processes may run: each run goes to one of them.
Install `sequin-admin[dlt]`. SIGTERM ends it after the round that it writes.
"""

import os
import signal
import sys
from functools import partial

from sources import airtable, hubspot, stripe

from sequin_admin.client import SequinError
from sequin_admin.client.dlt import ENGINE_PACE, Loader
from sequin_admin.client.runs import HeldRun, Runs

# How each provider is read, how its deletions are found, and where a row has its fields.
SOURCES = {
    "stripe": (stripe, "feed", ""),
    "hubspot": (hubspot, "archived_list", "properties"),
    "airtable": (airtable, "sweep", "fields"),
}


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Runs(os.environ["SEQUIN_URL"], os.environ["SEQUIN_API_KEY"], pace=ENGINE_PACE) as runs:
        for run in runs.claims(providers=list(SOURCES)):
            try:
                with run, Loader(run) as loader:
                    carry_out(run, loader)
            except SequinError as error:
                print(f"{run.sync_name}: {error}", flush=True)


def carry_out(run: HeldRun, loader: Loader) -> None:
    read, deletes, fields = SOURCES[run.provider]
    for collection in run.collections:
        name = collection.collection_id.partition(":")[2]
        loader.load(collection, partial(read, run.credential, name), deletes=deletes, fields=fields)


if __name__ == "__main__":
    main()
