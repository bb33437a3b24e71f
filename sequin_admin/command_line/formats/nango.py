"""Nango's connections with their credentials, as `GET /connections/{id}` returns them.

https://nango.dev/docs/reference/backend/http-api/connections/get
"""

from collections.abc import Mapping
from typing import Any

from sequin_admin.command_line.formats.foreign import bag_of, properties_from, squashed
from sequin_admin.command_line.formats.reading import Reading, missing
from sequin_admin.command_line.formats.shapes import Shape

KINDS = {
    "airtable": "airtable_oauth2",
    "auth0-cc": "auth0_client_credentials",
    "github-app": "github_app",
    "github-app-oauth": "github_app",
    "hubspot": "hubspot_oauth2",
    "linear": "linear_oauth2",
    "marketo": "marketo_client_credentials",
    "netsuite": "netsuite_oauth2",
    "netsuite-client-credentials": "netsuite_client_credentials",
    "netsuite-tba": "netsuite_tba",
    "quickbooks": "quickbooks_oauth2",
    "quickbooks-sandbox": "quickbooks_oauth2",
    "salesforce": "salesforce_oauth2",
    "salesforce-sandbox": "salesforce_oauth2",
    "sendgrid": "sendgrid_key",
    "servicenow": "servicenow_oauth2",
    "shopify": "shopify_oauth2",
    "stripe": "stripe_oauth2",
    "stripe-api-key": "stripe_key",
    "stripe-app": "stripe_oauth2",
    "stripe-express": "stripe_oauth2",
    "workday": "workday_password",
    "workday-oauth": "workday_oauth2",
    "workday-refresh-token": "workday_oauth2",
}
# Properties that follow from the name of the integration.
IMPLIED = {
    "quickbooks-sandbox": {"sandbox": True},
    "salesforce-sandbox": {"login_host": "test.salesforce.com"},
}
PARTS = ("raw", "config_override", "assertion_option")
NO_CREDENTIALS = (
    "It holds no credentials. Get each connection by itself, with refresh_token=true, and put them "
    "into one list."
)


def rows_of(value: object) -> list[Any]:
    if isinstance(value, dict) and isinstance(value.get("connections"), list):
        value = value["connections"]
    return value if isinstance(value, list) else [value]


def read(value: object, shapes: Mapping[str, Shape], kinds: Mapping[str, str]) -> Reading:
    """`kinds` maps an integration (provider_config_key) or a connection_id to a kind (`--map`)."""
    reading = Reading()
    for row, connection in enumerate(rows_of(value), start=1):
        reading.sources[row] = connection
        if isinstance(connection, dict):
            take(reading, row, connection, shapes, kinds)
        else:
            reading.refuse(row, "This is not a connection: it must be an object.")
    return reading


def take(
    reading: Reading,
    row: int,
    connection: dict[str, Any],
    shapes: Mapping[str, Shape],
    kinds: Mapping[str, str],
) -> None:
    label = word(connection, "connection_id")
    credentials = connection.get("credentials")
    if not isinstance(credentials, dict) or not credentials:
        reading.refuse(row, NO_CREDENTIALS, label)
        return
    shape = shapes.get(kind_of(connection, kinds))
    if shape is None:
        said = "Its integration is none of our kinds. Name its kind with --map INTEGRATION=KIND."
        reading.refuse(row, said, label)
        return
    own, config = as_object(connection, "metadata"), as_object(connection, "connection_config")
    parts = [credentials.get(part) for part in PARTS]
    implied = IMPLIED.get(word(connection, "provider", "provider_config_key"))
    name = name_of(connection) or label
    bag = {"name": name, **bag_of(own, *parts, config, credentials, implied)}
    try:
        properties, used = properties_from(shape, bag)
    except ValueError as reason:
        reading.refuse(row, str(reason), label)
        return
    lacking = missing(properties, shape)
    if lacking:
        said = f"As {shape.kind}: {' '.join(lacking)} Add it to its `metadata`, or connect anew."
        reading.refuse(row, said, label)
        return
    metadata = {key: v for key, v in own.items() if squashed(key) not in used}
    metadata |= {**as_object(connection, "tags"), "nango_connection_id": label}
    body = {"name": name[:200], "properties": properties, "metadata": metadata}
    reading.take(row, body, shapes, label=label)


def kind_of(connection: dict[str, Any], kinds: Mapping[str, str]) -> str:
    names = [word(connection, n) for n in ("connection_id", "provider_config_key", "provider")]
    mapped = (kinds[name] for name in names if name in kinds)
    known = (KINDS[name] for name in reversed(names[1:]) if name in KINDS)
    return next(mapped, "") or next(known, "")


def name_of(connection: dict[str, Any]) -> str:
    """The customer's name, if the connection has it."""
    user = as_object(connection, "end_user")
    company = as_object(user, "organization")
    return word(company, "display_name") or word(user, "display_name", "email")


def word(of: dict[str, Any], *names: str) -> str:
    values = (of.get(name) for name in names)
    return next((value for value in values if isinstance(value, str) and value), "")


def as_object(of: dict[str, Any], name: str) -> dict[str, Any]:
    value = of.get(name)
    return {str(key): v for key, v in value.items()} if isinstance(value, dict) else {}
