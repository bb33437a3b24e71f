"""Connects to a target for real, and says in a sentence what is in the way.

TLS: https://www.postgresql.org/docs/current/libpq-ssl.html
Error codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address, ip_network
from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql

from sequin_admin.core.fields import DecryptionError
from sequin_admin.core.http import Forbidden, Unreachable, addresses_of, is_public
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.syncs.faults import MissingRight, classify
from sequin_admin.syncs.models import Target

DEADLINE_S = 5.0
# libpq passes over a file that isn't there; without a name it looks into our home directory.
NOWHERE = "/nonexistent/none"
FAILURES = (psycopg.Error, Unreachable, DecryptionError, MissingRight)


def try_out(target: Target) -> Outcome:
    """Connect, read the version and check our rights. Takes about `DEADLINE_S` at the most."""
    try:
        with connection_to(target) as connection:
            version = examine(connection, target)
    except FAILURES as error:
        return classify(error, target.address)
    return outcomes.works(server_version=version)


@contextmanager
def connection_to(target: Target) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the very address that was checked, cut off at the deadline."""
    ends = time.monotonic() + DEADLINE_S
    address = vetted_address(target.host, target.port)
    with psycopg.connect(
        host=target.host,
        hostaddr=address,
        port=target.port,
        dbname=target.database,
        user=target.username,
        password=str(target.secrets.get("password", "")),
        sslmode=target.ssl_mode,
        sslrootcert=authorities(target.ssl_mode),
        # Nothing of the machine we run on takes part: no file of passwords, keys or services.
        passfile=NOWHERE,
        sslcertmode="disable",
        gssencmode="disable",
        application_name="sequin-admin",
        connect_timeout=max(2, round(ends - time.monotonic())),
        autocommit=True,
    ) as connection:
        cut = threading.Timer(max(0.1, ends - time.monotonic()), hang_up, [connection.fileno()])
        cut.daemon = True
        cut.start()
        try:
            yield connection
        finally:
            cut.cancel()
            cut.join()


def hang_up(descriptor: int) -> None:
    """End a connection whose server has gone quiet: whoever reads from it gets an error at once."""
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as line:
        line.shutdown(socket.SHUT_RDWR)


def vetted_address(host: str, port: int) -> str:
    """One address of `host` in a network where databases may be. Raises `Forbidden`."""
    addresses = addresses_of(host, port)
    allowed = [ip_network(network) for network in settings.TARGET_NETWORKS]
    for address in map(ip_address, addresses):
        if not is_public(address) and not any(address in network for network in allowed):
            raise Forbidden(f"{host} is in a network where this installation has no databases.")
    return addresses[0]


def authorities(ssl_mode: str) -> str:
    """The file of those whose certificates count. Only the verifying modes read one."""
    if not ssl_mode.startswith("verify"):
        return NOWHERE
    return settings.TARGET_CA_FILE or ssl.get_default_verify_paths().cafile or "system"


RIGHTS = sql.SQL(
    "SELECT current_setting('server_version'), pg_is_in_recovery(), "
    "coalesce(nullif(%(schema)s, ''), current_schema(), 'public') AS chosen, "
    "has_database_privilege(current_database(), 'CREATE')"
)
SCHEMA = sql.SQL("SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = %s")


def examine(connection: psycopg.Connection[Any], target: Target) -> str:
    """The server's version. Raises `MissingRight` when we may not make tables where we should."""
    (row,) = connection.execute(RIGHTS, {"schema": target.schema}).fetchall()
    version, is_replica, schema, may_make_schemas = row
    if is_replica:
        raise MissingRight("read_only", schema)
    found = connection.execute(SCHEMA, [schema]).fetchone()
    if found is None and not may_make_schemas:
        raise MissingRight("no_schema", schema)
    if found is not None and not found[0]:
        raise MissingRight("no_right", schema)
    return str(version)
