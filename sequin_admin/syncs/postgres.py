"""Connects to a target, and classifies what fails.

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
from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql

from sequin_admin.core.destinations import AddressPolicy, Unreachable, first_reachable
from sequin_admin.core.fields import DecryptionError
from sequin_admin.core.http import own_services
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.syncs.faults import MissingPrivilege, classify
from sequin_admin.syncs.models import Target

DEADLINE_S = 5.0
# The smallest timeout that libpq takes. The rest of the deadline is for finding the address.
LIBPQ_S = 2
# libpq ignores a missing file; without a file name it would use one in our home directory.
NO_FILE = "/nonexistent/none"
FAILURES = (psycopg.Error, Unreachable, DecryptionError, MissingPrivilege)


def check_connection(target: Target) -> Outcome:
    """Connect, and check the privileges. Takes about `DEADLINE_S` at most."""
    try:
        with connection_to(target) as connection:
            version = check_privileges(connection, target)
    except FAILURES as error:
        return classify(error, target.address)
    return outcomes.works(server_version=version)


@contextmanager
def connection_to(target: Target) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the vetted address itself, shut down at the deadline."""
    ends = time.monotonic() + DEADLINE_S
    address = vetted_address(target.host, target.port, ends - LIBPQ_S)
    with psycopg.connect(
        host=target.host,
        hostaddr=address,
        port=target.port,
        dbname=target.database,
        user=target.username,
        password=str(target.secrets.get("password", "")),
        sslmode=target.ssl_mode,
        sslrootcert=ca_file(target.ssl_mode),
        # Nothing of this machine is used: no password file, client certificate or Kerberos ticket.
        passfile=NO_FILE,
        sslcertmode="disable",
        gssencmode="disable",
        application_name="sequin-admin",
        connect_timeout=max(LIBPQ_S, round(ends - time.monotonic())),
        autocommit=True,
    ) as connection:
        cut = threading.Timer(
            max(0.1, ends - time.monotonic()), shut_down_socket, [connection.fileno()]
        )
        cut.daemon = True
        cut.start()
        try:
            yield connection
        finally:
            cut.cancel()
            cut.join()


def shut_down_socket(descriptor: int) -> None:
    """Shut down a connection, so that a blocked read of it fails at once."""
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)


def vetted_address(host: str, port: int, ends: float) -> str:
    """The first address of `host` that accepts connections. `ends` is on the monotonic clock.

    Raises `Forbidden` if one of them may not be called, and `Unreachable` when DNS fails.
    """
    return first_reachable(address_policy().vetted_addresses(host, port, ends), port, ends)


def address_policy() -> AddressPolicy:
    return AddressPolicy(
        settings.TARGET_NETWORKS, own_services(), "TARGET_NETWORKS does not name its network."
    )


def ca_file(ssl_mode: str) -> str:
    """The file of trusted certificate authorities, which only the verifying modes use."""
    if not ssl_mode.startswith("verify"):
        return NO_FILE
    return settings.TARGET_CA_FILE or ssl.get_default_verify_paths().cafile or "system"


PRIVILEGES_QUERY = sql.SQL(
    "SELECT current_setting('server_version'), pg_is_in_recovery(), "
    "coalesce(nullif(%(schema)s, ''), current_schema(), 'public') AS chosen, "
    "has_database_privilege(current_database(), 'CREATE')"
)
SCHEMA_QUERY = sql.SQL(
    "SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = %s"
)


def check_privileges(connection: psycopg.Connection[Any], target: Target) -> str:
    """The server's version. Raises `MissingPrivilege` if the user may not create tables."""
    (row,) = connection.execute(PRIVILEGES_QUERY, {"schema": target.schema}).fetchall()
    version, is_replica, schema, may_create_schemas = row
    if is_replica:
        raise MissingPrivilege("read_only", schema)
    found = connection.execute(SCHEMA_QUERY, [schema]).fetchone()
    if found is None and not may_create_schemas:
        raise MissingPrivilege("no_schema", schema)
    if found is not None and not found[0]:
        raise MissingPrivilege("no_right", schema)
    return str(version)
