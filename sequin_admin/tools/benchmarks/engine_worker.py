"""One measured load of an engine, on `.venv-engine`: `ours` or `plain`. Prints its figures.

`plain` is dlt as people write it: a token in their configuration, dlt's own columns.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dlt
from dlt.destinations import postgres
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator
from dlt.sources.rest_api import rest_api_source

from sequin_admin.client.dlt import ENGINE_PACE, Loader, Page, rest_client
from sequin_admin.client.runs import Runs

PATH, LIMIT = "/v1/customers", 100


def peak_mb() -> int:
    """The most memory since the program began; `getrusage()` counts what started it, too."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) // 1024


def paginator() -> JSONResponseCursorPaginator:
    return JSONResponseCursorPaginator(
        cursor_path="data[-1].id", cursor_param="starting_after", has_more_path="has_more"
    )


def load_ours(given: dict[str, str]) -> None:
    """Raises `SystemExit` when no run is due."""
    with (
        Runs(given["url"], given["key"], pace=ENGINE_PACE) as runs,
        runs.claim(sync_ids=[given["sync_id"]]) as run,
    ):
        if run is None:
            raise SystemExit("No run is due.")
        api = rest_client(run.credential, paginator=paginator())

        def read_pages(cursor: object) -> Iterator[Page]:
            for page in api.paginate(PATH, params={"limit": LIMIT}, data_selector="data"):
                yield Page(rows=page)

        with Loader(run) as loader:
            loader.load(run.collections[0], read_pages)


def load_plain(given: dict[str, str]) -> None:
    auth = BearerTokenAuth(given["token"])
    endpoint = {"path": PATH, "params": {"limit": LIMIT}, "data_selector": "data"}
    source = rest_api_source(
        {
            "client": {"base_url": given["base_url"], "auth": auth, "paginator": paginator()},
            "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
            "resources": [{"name": "customers", "endpoint": endpoint}],
        }
    )
    pipeline = dlt.pipeline(
        "plain",
        pipelines_dir=given["folder"],
        destination=postgres(given["target"]),
        dataset_name=given["dataset"],
    )
    pipeline.run(source)


if __name__ == "__main__":
    told = json.load(sys.stdin)
    load = {"ours": load_ours, "plain": load_plain}[sys.argv[1]]
    began, cpu_began = time.perf_counter(), time.process_time()
    load(told)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    figures = {"seconds": round(seconds, 2), "cpu_s": round(cpu_s, 2), "peak_mb": peak_mb()}
    json.dump(figures, sys.stdout)
