"""Prints every contact of a HubSpot account as a line of JSON, with httpx2."""

import json
import os
import sys
import time

import httpx2

from sequin_admin.client import Broken, Client

CONTACTS = "/crm/v3/objects/contacts"
# Throttled, or away for a moment. After a 429 the next call waits until the limit has been reset.
PASSES, PAUSES_S = (429, 502, 503, 504), (1, 5, 25)


def get(http, **params):
    for pause_s in PAUSES_S:
        answer = http.get(CONTACTS, params=params)
        if answer.status_code not in PASSES:
            break
        time.sleep(pause_s)
    return answer.raise_for_status().json()


def contacts(http):
    page = get(http, limit=100)
    yield from page["results"]
    while "paging" in page:
        page = get(http, limit=100, after=page["paging"]["next"]["after"])
        yield from page["results"]


def main():
    with Client(os.environ["SEQUIN_URL"], os.environ["SEQUIN_API_KEY"]) as sequin:
        credential = sequin.credential(os.environ["CREDENTIAL_ID"])
        with httpx2.Client(base_url=credential.base_url, transport=credential.transport()) as http:
            for contact in contacts(http):
                print(json.dumps(contact))


if __name__ == "__main__":
    try:
        main()
    except Broken as broken:
        sys.exit(str(broken))  # whose move it is
