"""Airflow's connections in each of the forms that it and its users write them.

`airflow connections export` (conn_id to an object or a URI), `airflow connections list -o json`,
the REST API's listing, and files of environment variables, `AIRFLOW_CONN_*`.

https://airflow.apache.org/docs/apache-airflow/stable/howto/connection.html
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sequin_admin.command_line.formats.foreign import bag_of, host_in, properties_from, squashed
from sequin_admin.command_line.formats.reading import Reading, missing, quotable, with_reason
from sequin_admin.command_line.formats.shapes import Shape
from sequin_admin.command_line.formats.strict import Unreadable, load_json

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
MOST_ENCODINGS = 3
EXTRA = "Add it to the connection's `extra`, or connect anew."
OTHERWISE = "Name its kind with --map {conn_id}=KIND, or leave it where it is."


# Row, conn_id, and the connection: an object, or a text with an address or an object.
Row = tuple[int, str, Any]
REST = "Airflow's REST API keeps secrets back: use airflow connections export."
NO_CONNECTION = (
    "This is not a connection: neither an object nor an address. Write it as conn-type://login:"
    "password@host, or as an object with a conn_type."
)
BAD_EXTRA = (
    "Its `extra` is no JSON object that can be read. Correct it in Airflow, and export again."
)
# What our report calls a connection that was an address or a text.
ADDRESS = "uri"
VARIABLE = re.compile(
    r"\s*(?:(?:export|set|ENV)\s+|\$env:)?AIRFLOW_CONN_(\w+)\s*=\s*(.*?)\s*", re.IGNORECASE
)
# A value in quotes, and a comment after it.
QUOTED = re.compile(r"""(?:'(?P<plain>.*?)'|"(?P<escaped>.*?)(?<!\\)")(?:\s+#.*)?""")


def read(rows: Iterable[Row], shapes: Mapping[str, Shape], kinds: Mapping[str, str]) -> Reading:
    """`kinds` maps a conn_id or a conn_type to a kind (`--map`)."""
    reading = Connections()
    for row, conn_id, given in rows:
        reading.sources[row] = (conn_id, given)
        text = given.get(ADDRESS) if isinstance(given, dict) else given
        connection = from_text(text) if isinstance(text, str) else given
        if not isinstance(connection, dict):
            reading.refuse(row, NO_CONNECTION, conn_id)
        else:
            take(reading, row, conn_id, connection, shapes, kinds)
    return reading


class Connections(Reading):
    """A reading whose report is as `airflow connections export` writes it."""

    def report(self, reasons: Mapping[int, str]) -> str:
        named = {}
        for row, reason in reasons.items():
            conn_id, given = self.sources[row]
            named[conn_id] = with_reason(given, reason, ADDRESS)
        return json.dumps(named, indent=2, ensure_ascii=False) + "\n"


def rows_of(value: object) -> list[Row] | None:
    """The connections of an export, or of a list of objects; None for what is neither."""
    if isinstance(value, dict) and isinstance(value.get("connections"), list):
        value = value["connections"]
    if isinstance(value, dict):
        named = [(str(conn_id), given) for conn_id, given in value.items()]
    elif isinstance(value, list):
        named = [(id_of(given), given) for given in value]
    else:
        return None
    return [(row, conn_id, given) for row, (conn_id, given) in enumerate(named, start=1)]


def id_of(given: object) -> str:
    names = ("conn_id", "connection_id")
    return (
        next((str(given[n]) for n in names if given.get(n)), "") if isinstance(given, dict) else ""
    )


def rows_of_env(text: str) -> list[Row]:
    """The connections of an env file, by line. Raises `Unreadable` for one that comes twice."""
    rows, seen = [], set[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        found = VARIABLE.fullmatch(line)
        if found is None:
            continue
        conn_id = found[1].lower()
        if conn_id in seen:
            raise Unreadable(f"AIRFLOW_CONN_{found[1].upper()} comes twice. Keep one of them.")
        seen.add(conn_id)
        rows.append((number, conn_id, unquoted(found[2])))
    return rows


def unquoted(text: str) -> str:
    """A value as a shell reads it: between single quotes nothing is escaped, and what follows a #
    after white space is a comment."""
    if found := QUOTED.fullmatch(text):
        return found["plain"] or re.sub(r'\\(["\\$`])', r"\1", found["escaped"] or "")
    is_object = text.startswith("{") and text.endswith("}")
    return text if is_object else re.sub(r"\s+#.*", "", text)


def take(
    reading: Reading,
    row: int,
    conn_id: str,
    connection: dict[str, Any],
    shapes: Mapping[str, Shape],
    kinds: Mapping[str, str],
) -> None:
    try:
        extra = extra_of(connection.get("extra") or connection.get("extra_dejson"))
    except ValueError:
        reading.refuse(row, BAD_EXTRA, conn_id)
        return
    bag = bag_of(connection, {name.rpartition("__")[2]: v for name, v in extra.items()}, extra)
    kind = kinds.get(conn_id) or kind_of(connection, bag, kinds)
    shape = shapes.get(kind)
    if shape is None:
        remedy = OTHERWISE.format(conn_id=quotable(conn_id, "CONN_ID"))
        said = f"Its conn_type is none of our kinds. {remedy}"
        reading.refuse(row, said, conn_id)
        return
    try:
        properties, _ = properties_from(shape, {"name": conn_id, **bag})
    except ValueError as reason:
        reading.refuse(row, str(reason), conn_id)
        return
    lacking = missing(properties, shape)
    if lacking:
        # Only the REST API gives the id by this name.
        remedy = REST if "connection_id" in connection else EXTRA
        said = f"As {kind}: {' '.join(lacking)} {remedy}"
        reading.refuse(row, said, conn_id)
        return
    metadata = {"airflow_conn_id": conn_id}
    body = {"name": conn_id[:200], "properties": properties, "metadata": metadata}
    reading.take(row, body, shapes, label=conn_id)


def kind_of(connection: dict[str, Any], bag: Mapping[str, object], kinds: Mapping[str, str]) -> str:
    conn_type = str(connection.get("conn_type") or "").lower()
    if conn_type in kinds:
        return kinds[conn_type]
    host = host_in(str(connection.get("host") or ""))
    by_host = (of for name, of in HOSTS.items() if host == name or host.endswith(f".{name}"))
    provider = squashed(conn_type) if squashed(conn_type) in TYPES else next(by_host, "")
    kind = str(bag.get("kind") or TYPES.get(provider, ""))
    return "servicenow_oauth2" if provider == "servicenow" and "refreshtoken" in bag else kind


def extra_of(given: object) -> dict[str, Any]:
    """`extra` is the object itself, or its JSON, which some write as a JSON string once more.

    Raises `ValueError` for JSON that can't be read. What is no JSON at all is a note of somebody's.
    """
    for _ in range(MOST_ENCODINGS):
        if isinstance(given, str):
            if not given.lstrip().startswith(("{", '"')):
                return {}
            try:
                given = load_json(given)
            except RecursionError:
                raise ValueError("The JSON is nested too deeply.") from None
    return {str(name): value for name, value in given.items()} if isinstance(given, dict) else {}


def from_text(text: str) -> dict[str, Any] | None:
    """A connection from its JSON, as environment variables may have it, or from its address."""
    if not text.lstrip().startswith("{"):
        return from_address(text)
    try:
        found = load_json(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


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
