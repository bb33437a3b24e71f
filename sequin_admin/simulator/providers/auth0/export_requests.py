"""What a job that exports users of the simulated Auth0 is asked for."""

import json

from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.providers.auth0.common import api_error
from sequin_admin.simulator.providers.auth0.users import CONNECTION, CONNECTION_ID
from sequin_admin.simulator.rows.collection import Fields

MOST_FIELDS = 30


def refuse(message: str) -> SimulatedResponse:
    text = f"Payload validation error: {message}."
    return SimulatedResponse(api_error(400, "Bad Request", text, "invalid_body"))


def parse_object(body: bytes) -> Fields:
    """The JSON object of a body. Raises `SimulatedResponse` (400)."""
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        given = None
    if not isinstance(given, dict):
        text = "Invalid request payload JSON format"
        raise SimulatedResponse(api_error(400, "Bad Request", text))
    return given


def parse_export(given: Fields) -> Fields:
    """What a job is asked for. Raises `SimulatedResponse`: 400, or 404 for the connection."""
    asked: Fields = {"format": given.get("format", "csv")}
    if asked["format"] not in ("csv", "json"):
        raise refuse(f"'No enum match for: {asked['format']}' on property format")
    limit, fields = given.get("limit"), given.get("fields")
    if limit is not None:
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise refuse("'Expected an integer from 1' on property limit")
        asked["limit"] = limit
    if fields is not None:
        if not isinstance(fields, list) or not 0 < len(fields) <= MOST_FIELDS:
            raise refuse(f"'Expected 1 to {MOST_FIELDS} items' on property fields")
        if not all(isinstance(f, dict) and isinstance(f.get("name"), str) for f in fields):
            raise refuse("'Missing required property: name' on property fields")
        asked["fields"] = [{n: str(f[n]) for n in ("name", "export_as") if n in f} for f in fields]
    if given.get("connection_id") not in (None, CONNECTION_ID):
        text = "The connection does not exist."
        raise SimulatedResponse(api_error(404, "Not Found", text, "inexistent_connection"))
    if "connection_id" in given:
        asked |= {"connection_id": CONNECTION_ID, "connection": CONNECTION}
    return asked
