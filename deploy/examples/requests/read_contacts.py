"""Prints every contact of a HubSpot account as a line of JSON, with requests."""

import json
import os
import sys

from sequin_admin.client import Broken, Client
from sequin_admin.client.requests import Session


def contacts(http):
    params = {"limit": 100}
    while params:
        answer = http.get("/crm/v3/objects/contacts", params=params)
        if answer.status_code == 429:
            continue  # the next call waits until the limit has been reset
        answer.raise_for_status()
        page = answer.json()
        yield from page["results"]
        params = page.get("paging") and {"limit": 100, "after": page["paging"]["next"]["after"]}


def main():
    with (
        Client(os.environ["SEQUIN_URL"], os.environ["SEQUIN_API_KEY"]) as sequin,
        Session(sequin.credential(os.environ["CREDENTIAL_ID"])) as http,
    ):
        for contact in contacts(http):
            print(json.dumps(contact))


if __name__ == "__main__":
    try:
        main()
    except Broken as broken:
        sys.exit(str(broken))  # whose move it is
