"""Brings HubSpot's objects into PostgreSQL: takes every run that is due, and ends.

A run reads a collection to its end, page by page, and then deletes the rows that HubSpot no longer
has. Where it was stopped, the next one goes on. Needs `psycopg` and an API key with the scope runs.
"""

import json
import os
import sys
import tempfile
import time

import httpx2
import psycopg
from psycopg import sql

from sequin_admin.client import Broken, TryLater
from sequin_admin.client.runs import Runs

# Where each collection is read. Objects of your own are called by their id: 2-3456789.
PATHS = {
    "contact": "objects/contacts",
    "company": "objects/companies",
    "deal": "objects/deals",
    "ticket": "objects/tickets",
    "product": "objects/products",
    "line_item": "objects/line_items",
    "owner": "owners",
}
# One table for all syncs, as two accounts have the same ids.
CREATE = """
    CREATE TABLE IF NOT EXISTS {} (
        sync text, id text, pass text NOT NULL, data jsonb, PRIMARY KEY (sync, id)
    )
"""
UPSERT = """
    INSERT INTO {} (sync, id, pass, data) VALUES (%s, %s, %s, %s)
    ON CONFLICT (sync, id) DO UPDATE SET pass = excluded.pass, data = excluded.data
"""
GONE = """
    SELECT count(*) FILTER (WHERE pass = %s), count(*) FILTER (WHERE pass <> %s) FROM {}
    WHERE sync = %s
"""
DELETE = "DELETE FROM {} WHERE pass <> %s AND sync = %s"
LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
# Throttled, or away for a moment. After a 429 the next call waits until the limit has been reset.
PASSES, PAUSES_S = (429, 502, 503, 504), (1, 5, 25)


def sync(url, api_key, sync_ids=()):
    """Carry out the run that is due first. Returns the rows written; None when none is due."""
    with (
        Runs(url, api_key) as runs,
        runs.claim(wait_s=0, sync_ids=sync_ids, providers=["hubspot"]) as run,
    ):
        if run is None:
            return None
        transport = run.credential.transport()
        with (
            connect(run.target()) as target,
            httpx2.Client(base_url=run.credential.base_url, transport=transport) as http,
        ):
            lock(run, target)
            return sum(copy(run, each, http, target) for each in run.collections)


def connect(target):
    """To the address that Sequin Admin has checked, with the authority that it names."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as authority:
        authority.write(target.ssl_root_cert or "")
        authority.flush()
        file = authority.name if target.ssl_root_cert else ""
        return psycopg.connect(target.dsn(ssl_root_cert_file=file), autocommit=True)


def lock(run, target):
    """Keep the sync's rows to this connection: also one that was stopped for long, and goes on when
    another run has begun, must not write beside it."""
    if not target.execute(LOCK, [run.sync_id]).fetchone()[0]:
        raise TryLater("Another run of this sync still writes to the target.")


def copy(run, collection, http, target):
    name = collection.collection_id.partition(":")[2]
    path = PATHS.get(name, f"objects/{name}")
    table = sql.Identifier(path.rpartition("/")[2])
    create, upsert, gone, delete = (
        sql.SQL(text).format(table) for text in (CREATE, UPSERT, GONE, DELETE)
    )
    target.execute(create)
    # All rows of one pass have its name, also those that another run wrote before it was stopped.
    place = collection.cursor or {"pass": run.id, "after": None}
    of = {"deletes": "sweep", "full_pass": True, "generation": collection.generation}
    total = 0
    while True:
        page = get(http, f"/crm/v3/{path}", place["after"])
        found = page["results"]
        rows = [(run.sync_id, row["id"], place["pass"], json.dumps(row)) for row in found]
        with target.transaction(), target.cursor() as writing:
            writing.executemany(upsert, rows)
        total += len(rows)
        if "paging" not in page:
            break
        place["after"] = page["paging"]["next"]["after"]
        run.report(collection.collection_id, cursor=place, read=len(rows), written=len(rows), **of)
    seen, to_delete = target.execute(gone, [place["pass"], place["pass"], run.sync_id]).fetchone()
    run.report(
        collection.collection_id,
        **{"cursor": None, "read": len(rows), "written": len(rows)},
        **{"seen": seen, "to_delete": to_delete},
        **of,
    )
    deleted = 0
    if run.may_delete(collection.collection_id):
        deleted = target.execute(delete, [place["pass"], run.sync_id]).rowcount
    run.report(collection.collection_id, deleted=deleted, completed=True, **of)
    return total


def get(http, path, after):
    params = {"limit": 100} | ({"after": after} if after else {})
    for pause_s in PAUSES_S:
        answer = http.get(path, params=params)
        if answer.status_code not in PASSES:
            break
        time.sleep(pause_s)
    return answer.raise_for_status().json()


if __name__ == "__main__":
    try:
        while sync(os.environ["SEQUIN_URL"], os.environ["SEQUIN_API_KEY"]) is not None:
            pass
    except (Broken, TryLater) as error:
        sys.exit(str(error))  # whose move it is
