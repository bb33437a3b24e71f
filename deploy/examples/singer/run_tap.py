"""Runs a Singer tap with a credential of Sequin Admin: `run_tap.py TAP CONFIG [ARGUMENT...]`.

TAP is a file, or the name of an installed module. CONFIG is the tap's own, in which these are
filled in: $TOKEN, $BASE_URL. It is written to a file that only we can read, and deleted afterwards.

All calls of the tap's `requests` to the provider have our token and a permit. What it sends to the
token endpoint is answered here: a refresh token that two renew is lost to one of them.
"""

import io
import json
import os
import runpy
import sys
import tempfile

import requests
from requests.adapters import BaseAdapter

from sequin_admin.client import Broken, Client
from sequin_admin.client.requests import CredentialAdapter

TOKENS = "/oauth/"  # HubSpot's token endpoints, below the base URL; others' may be elsewhere


class TokenHere(BaseAdapter):
    """Answers a refresh with the access token that Sequin Admin holds."""

    def __init__(self, token):
        super().__init__()
        self.token = token

    def send(self, request, **options):
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 200, request.url, request
        given = {"access_token": self.token, "token_type": "bearer", "expires_in": 1800}
        answer.raw = io.BytesIO(json.dumps(given).encode())
        return answer

    def close(self):
        pass


def bind(credential, token):
    """Let every session that the tap opens use the credential."""
    plain, base = requests.Session.__init__, credential.base_url

    def opened(session):
        plain(session)
        session.mount(base, CredentialAdapter(credential))
        session.mount(base + TOKENS, TokenHere(token))

    requests.Session.__init__ = opened


def main(tap, config, *arguments):
    with Client(os.environ["SEQUIN_URL"], os.environ["SEQUIN_API_KEY"]) as sequin:
        credential = sequin.credential(os.environ["CREDENTIAL_ID"])
        token = credential.token().headers["Authorization"].removeprefix("Bearer ")
        bind(credential, token)
        with open(config) as file:
            values = json.load(file)
        filled = {"$TOKEN": token, "$BASE_URL": credential.base_url}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as private:
            json.dump({name: filled.get(str(v), v) for name, v in values.items()}, private)
            private.flush()
            sys.argv = [tap, "--config", private.name, *arguments]
            run = runpy.run_path if tap.endswith(".py") else runpy.run_module
            run(tap, run_name="__main__")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Broken as broken:
        sys.exit(str(broken))  # whose move it is
