"""The credentials of a connector: one of each in a process, whose permits all streams share."""

import atexit
from functools import cache

from sequin_admin.client.api import Client, Credential
from sequin_admin.client.permits import Pace


@cache
def client_for(url: str, api_key: str) -> Client:
    client = Client(url, api_key)
    # Permits that are not used go back, rather than count until their lease ends.
    atexit.register(client.close)
    return client


@cache
def credential_for(url: str, api_key: str, id: str, sync_id: str | None) -> Credential:
    return client_for(url, api_key).credential(id, Pace(sync_id=sync_id))
