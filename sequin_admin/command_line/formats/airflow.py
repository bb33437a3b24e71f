"""`airflow connections export`, JSON or YAML: conn_id to an object, or (older) to a URI.

https://airflow.apache.org/docs/apache-airflow/stable/howto/connection.html
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sequin_admin.command_line.formats.foreign import bag_of, host_in, properties_from, squashed
from sequin_admin.command_line.formats.reading import Reading, missing
from sequin_admin.command_line.formats.shapes import Shape

# Kinds by connection type, and connection types by host for connections of the type http.
TYPES = {
    "airtable": "airtable_oauth2",
    "auth0": "auth0_client_credentials",
    "checkoutchamp": "checkout_champ_password",
    "github": "github_app",
    "hubspot": "hubspot_oauth2",
    "linear": "linear_oauth2",
    "marketo": "marketo_client_credentials",
    "netsuite": "netsuite_tba",
    "quickbooks": "quickbooks_oauth2",
    "salesforce": "salesforce_oauth2",
    "sendgrid": "sendgrid_key",
    "servicenow": "servicenow_client_credentials",
    "shopify": "shopify_oauth2",
    "stripe": "stripe_key",
    "workday": "workday_password",
}
HOSTS = {
    "airtable.com": "airtable",
    "auth0.com": "auth0",
    "checkoutchamp.com": "checkoutchamp",
    "api.github.com": "github",
    "hubapi.com": "hubspot",
    "linear.app": "linear",
    "mktorest.com": "marketo",
    "netsuite.com": "netsuite",
    "intuit.com": "quickbooks",
    "salesforce.com": "salesforce",
    "sendgrid.com": "sendgrid",
    "service-now.com": "servicenow",
    "myshopify.com": "shopify",
    "stripe.com": "stripe",
    "workday.com": "workday",
    "myworkday.com": "workday",
}
OTHERWISE = "Name its kind with --map {conn_id}=KIND, or leave it where it is."


def read(value: Any, shapes: Mapping[str, Shape], kinds: Mapping[str, str]) -> Reading:
    """`kinds` maps a conn_id or a conn_type to a kind (`--map`)."""
    reading = Reading()
    for row, (conn_id, given) in enumerate(value.items(), start=1):
        connection = from_address(given) if isinstance(given, str) else given
        if not isinstance(connection, dict):
            reading.refuse(row, "This is not a connection: neither an object nor an address.")
        else:
            take(reading, row, str(conn_id), connection, shapes, kinds)
    return reading


def take(
    reading: Reading,
    row: int,
    conn_id: str,
    connection: dict[str, Any],
    shapes: Mapping[str, Shape],
    kinds: Mapping[str, str],
) -> None:
    extra = extra_of(connection.get("extra"))
    bag = bag_of(connection, {name.rpartition("__")[2]: v for name, v in extra.items()}, extra)
    kind = kinds.get(conn_id) or kind_of(connection, bag, kinds)
    shape = shapes.get(kind)
    if shape is None:
        said = f"Its conn_type is none of our kinds. {OTHERWISE.format(conn_id=conn_id)}"
        reading.refuse(row, said, conn_id)
        return
    try:
        properties, _ = properties_from(shape, {"name": conn_id, **bag})
    except ValueError as reason:
        reading.refuse(row, str(reason), conn_id)
        return
    lacking = missing(properties, shape)
    if lacking:
        said = (
            f"As {kind}: {' '.join(lacking)} Add it to the connection's `extra`, or connect anew."
        )
        reading.refuse(row, said, conn_id)
        return
    metadata = {"airflow_conn_id": conn_id}
    body = {"name": conn_id[:200], "properties": properties, "metadata": metadata}
    reading.take(row, body, shapes, label=conn_id)


def kind_of(connection: dict[str, Any], bag: Mapping[str, Any], kinds: Mapping[str, str]) -> str:
    conn_type = str(connection.get("conn_type") or "").lower()
    if conn_type in kinds:
        return kinds[conn_type]
    host = host_in(str(connection.get("host") or ""))
    by_host = (of for name, of in HOSTS.items() if host == name or host.endswith(f".{name}"))
    provider = squashed(conn_type) if squashed(conn_type) in TYPES else next(by_host, "")
    kind = str(bag.get("kind") or TYPES.get(provider, ""))
    return "servicenow_oauth2" if provider == "servicenow" and "refreshtoken" in bag else kind


def extra_of(given: Any) -> dict[str, Any]:
    """`extra` is a JSON string or the object itself."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return {}
    return {str(name): value for name, value in given.items()} if isinstance(given, dict) else {}


def from_address(address: str) -> dict[str, Any] | None:
    """Parse conn-type://login:password@host:port/schema?extra, each part percent-encoded."""
    try:
        parts = urlsplit(address)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if not parts.scheme:
            return None
        return {
            "conn_type": parts.scheme.replace("-", "_"),
            "login": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "host": unquote(parts.hostname or ""),
            "schema": unquote(parts.path.removeprefix("/")),
            "extra": query.get("__extra__") or query,
        }
    except ValueError:
        return None
