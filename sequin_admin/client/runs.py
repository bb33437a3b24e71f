"""Runs of syncs: claim what is due, read and write it, and say how that went.

    runs = Runs("https://admin.example.com", api_key)  # an API key with the scope `runs`
    for run in runs.claims(providers=["stripe"]):
        with run:
            for collection in run.collections:
                ...
                run.report(collection.collection_id, cursor=last, read=100, written=100)

While it is held, a run gives the credential (`run.credential`) and the connection to the target
(`run.target()`). A thread tells the server that the worker is there. Leaving the block ends the
run: as succeeded, or as failed with what was raised. `report()` and `check()` raise `RunLost` when
another worker may have taken over, and `RunPaused` or `RunCancelled` when a person wants it to end.
"""

from sequin_admin.client.held_collection import HeldCollection
from sequin_admin.client.held_run import HeldRun
from sequin_admin.client.run_claims import Claim, Runs
from sequin_admin.client.run_errors import RunCancelled, RunFailed, RunLost, RunPaused
from sequin_admin.client.target_connection import TargetConnection

__all__ = [
    "Claim",
    "HeldCollection",
    "HeldRun",
    "RunCancelled",
    "RunFailed",
    "RunLost",
    "RunPaused",
    "Runs",
    "TargetConnection",
]
