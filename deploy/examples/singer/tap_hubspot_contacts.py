"""A Singer tap as others wrote theirs: it knows nothing of Sequin Admin. Put yours in its place.

Like the known taps it asks HubSpot for an access token with its own refresh token.
"""

import argparse
import json
from datetime import UTC, datetime

import requests


def write(**message):
    print(json.dumps(message), flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--config", required=True)
    options.add_argument("--state")
    given = options.parse_args()
    with open(given.config) as file:
        config = json.load(file)
    http = requests.Session()
    grant = {name: config[name] for name in ("client_id", "client_secret", "refresh_token")}
    answer = http.post(
        f"{config['base_url']}/oauth/v1/token", data={"grant_type": "refresh_token", **grant}
    )
    answer.raise_for_status()
    http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    schema = {"type": "object", "properties": {"id": {"type": "string"}}}
    write(type="SCHEMA", stream="contacts", schema=schema, key_properties=["id"])
    params = {"limit": 100}
    while params:
        answer = http.get(f"{config['base_url']}/crm/v3/objects/contacts", params=params)
        if answer.status_code == 429:
            continue
        answer.raise_for_status()
        page = answer.json()
        for contact in page["results"]:
            write(type="RECORD", stream="contacts", record=contact)
        params = page.get("paging") and {"limit": 100, "after": page["paging"]["next"]["after"]}
    write(type="STATE", value={"contacts": {"read_at": datetime.now(UTC).isoformat()}})


if __name__ == "__main__":
    main()
