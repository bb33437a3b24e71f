"""A session and a configuration for dlt's `rest_api` source.

https://dlthub.com/docs/dlt-ecosystem/verified-sources/rest_api/basic
"""

import time
from collections.abc import Iterator
from typing import Any

import httpx2
import requests
from dlt.sources.helpers.rest_client import RESTClient

from sequin_admin.client.api import Credential
from sequin_admin.client.dialect import Dialect
from sequin_admin.client.permits import Pace
from sequin_admin.client.requests import CredentialAdapter, Session
from sequin_admin.client.requests.adapter import OF_THE_BODY, Options

# How long to wait before a call is made again, after an answer that says nothing about that.
PAUSES_S = (0.5, 1, 2, 4, 8)
# A throttled call waits for its permit, until the provider's pause has ended.
MOST_THROTTLED = 20
TEMPORARY = (500, 502, 503, 504)
# For `Runs(pace=...)` of an engine that reads one page after the other.
ENGINE_PACE = Pace(batch=8)


class PatientAdapter(CredentialAdapter):
    """Makes a call again that was throttled, met a server in trouble or lost its connection.

    For sources, which only read: a call that writes would perhaps do so twice.
    """

    def carry_out(
        self, request: requests.PreparedRequest, options: Options, *, stream: bool
    ) -> requests.Response:
        pauses, throttled = iter(PAUSES_S), 0
        while True:
            try:
                answer = super().carry_out(request, options, stream=stream)
            except (requests.ConnectionError, requests.Timeout):
                if not waited(pauses):
                    raise
                continue
            if self.was_throttled(answer) and throttled < MOST_THROTTLED:
                throttled += 1
            elif answer.status_code not in TEMPORARY or not waited(pauses):
                return answer
            answer.close()

    def was_throttled(self, answer: requests.Response) -> bool:
        """By what this provider says of its limit. Reads the body of an error."""
        if answer.ok:
            return False
        kept = [each for each in answer.headers.items() if each[0].lower() not in OF_THE_BODY]
        response = httpx2.Response(answer.status_code, headers=kept, content=answer.content)
        return Dialect(self.credential.token().dialect).throttled(response)


def waited(pauses: Iterator[float]) -> bool:
    """Wait for the next pause. False when there is none left."""
    pause_s = next(pauses, None)
    if pause_s is not None:
        time.sleep(pause_s)
    return pause_s is not None


def open_session(credential: Credential) -> Session:
    """For `client.session` of `rest_api`, or as the `session` of a `RESTClient`."""
    session = Session(credential)
    for scheme in ("https://", "http://"):
        session.mount(scheme, PatientAdapter(credential))
    return session


def client_config(credential: Credential, **more: object) -> dict[str, Any]:
    """The `client` of a `rest_api` configuration. Paginator and so on are dlt's own."""
    return {"base_url": credential.base_url, "session": open_session(credential), **more}


def rest_client(credential: Credential, **more: object) -> RESTClient:
    """dlt's client of an API, called with the credential."""
    return RESTClient(**client_config(credential, **more))
