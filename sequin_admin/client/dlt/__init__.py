"""dlt with our tokens, limits and runs; the extra `[dlt]`.

    for run in Runs("https://admin.example.com", api_key).claims(providers=["hubspot"]):
        with run, Loader(run) as loader:
            for collection in run.collections:
                loader.load(collection, read, deletes="archived_list")

    def read(cursor):
        source = rest_api_source({"client": client_config(run.credential), "resources": [...]})
        for rows in pages_of(source.resources["contacts"]):
            yield Page(rows=rows, cursor=...)

Rows are stored as they were sent, as JSON, so that a field that is new or changes its type loses
nothing; a view has their fields as columns. A round of pages is committed before its cursor is
reported, and what is read twice is written once.
"""

from sequin_admin.client.dlt.loader import Loader
from sequin_admin.client.dlt.pages import OVERLAP_S, Page, pages_of
from sequin_admin.client.dlt.session import ENGINE_PACE, client_config, open_session, rest_client

__all__ = [
    "ENGINE_PACE",
    "OVERLAP_S",
    "Loader",
    "Page",
    "client_config",
    "open_session",
    "pages_of",
    "rest_client",
]
