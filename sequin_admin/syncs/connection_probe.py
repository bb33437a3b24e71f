"""A program of its own: connects to one PostgreSQL database and says how that went.

`syncs.postgres` starts it in a fresh interpreter for each test of a target, because a server
decides how much work a login is (https://www.rfc-editor.org/rfc/rfc5802: the number of rounds)
and libpq can't be interrupted in it. Django is not imported; the request, with the password,
comes as JSON on stdin, and the answer goes as JSON to stdout.
"""

import json
import resource
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

import psycopg
from psycopg import errors, sql
from psycopg.rows import TupleRow

from sequin_admin.core.destinations import (
    AddressPolicy,
    Forbidden,
    PrivateAddress,
    UnknownHost,
    Unreachable,
    first_reachable,
)

# An interpreter with psycopg takes about 60 MB, and a login of 4,096 rounds a few milliseconds.
CPU_S = 3
MEMORY_BYTES = 512 * 1024 * 1024
# libpq ignores a missing file; without a file name it would use one in our home directory.
NO_FILE = "/nonexistent/none"
LONGEST_TEXT = 2000
# What of the deadline is left for logging in when finding the address takes long.
LOGIN_S = 2
REMEDY = "TARGET_NETWORKS does not name its network."


@dataclass(frozen=True)
class ProbeRequest:
    """What to connect to. `deadline_s` is the most time that all of it may take.

    `networks` may be reached besides public addresses; `services`, our own hosts and ports, never.
    """

    host: str
    port: int
    database: str
    username: str
    password: str = field(repr=False)
    schema: str
    ssl_mode: str
    ca_file: str
    networks: list[str]
    services: list[tuple[str, int]]
    deadline_s: float


@dataclass(frozen=True)
class ProbeAnswer:
    """`failure` is empty after a success. `code` and `schema` belong to `privilege`."""

    failure: str = ""
    text: str = ""
    code: str = ""
    schema: str = ""
    server_version: str = ""


class PrivilegeMissing(Exception):
    """The user may connect but not create tables in `schema`. `code` says why."""

    def __init__(self, code: str, schema: str) -> None:
        super().__init__(code)
        self.code, self.schema = code, schema


def main() -> None:
    request = ProbeRequest(**json.load(sys.stdin))
    limit_resources(request.deadline_s)
    json.dump(asdict(probe(request)), sys.stdout)


def limit_resources(deadline_s: float) -> None:
    """End this process when it takes too long or too much, whatever it is doing then."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.setitimer(signal.ITIMER_REAL, deadline_s)


def probe(request: ProbeRequest) -> ProbeAnswer:
    """Connect to the vetted address itself, and check the privileges."""
    try:
        with connect(request, reachable_address(request)) as connection:
            return ProbeAnswer(server_version=check_privileges(connection, request.schema))
    except PrivilegeMissing as missing:
        return ProbeAnswer("privilege", code=missing.code, schema=missing.schema)
    except UnknownHost as error:
        return ProbeAnswer("unknown_host", str(error))
    except PrivateAddress as error:
        return ProbeAnswer("private", str(error))
    except Forbidden as error:
        return ProbeAnswer("forbidden", str(error))
    except Unreachable as error:
        return ProbeAnswer("unreachable", str(error))
    except MemoryError:
        return ProbeAnswer("too_costly")
    except (errors.ConnectionTimeout, errors.QueryCanceled):
        return ProbeAnswer("timeout")
    except psycopg.OperationalError as error:
        return ProbeAnswer("operational", str(error)[:LONGEST_TEXT])
    except psycopg.Error as error:
        return ProbeAnswer("other", str(error)[:LONGEST_TEXT])


def target_policy(networks: Sequence[str], services: Iterable[Sequence[object]]) -> AddressPolicy:
    """What a target's address may be."""
    # JSON has no tuples.
    return AddressPolicy(networks, [(str(host), int(str(port))) for host, port in services], REMEDY)


def reachable_address(request: ProbeRequest) -> str:
    """The first address of the host that accepts connections. Raises `Unreachable`."""
    policy = target_policy(request.networks, request.services)
    ends = time.monotonic() + request.deadline_s - LOGIN_S
    addresses = policy.vetted_addresses(request.host, request.port, ends)
    return first_reachable(addresses, request.port, ends)


def connect(request: ProbeRequest, address: str) -> psycopg.Connection[TupleRow]:
    return psycopg.connect(
        host=request.host,
        hostaddr=address,
        port=request.port,
        dbname=request.database,
        user=request.username,
        password=request.password,
        sslmode=request.ssl_mode,
        sslrootcert=request.ca_file,
        # Nothing of this machine is used: no password file, client certificate or Kerberos ticket.
        passfile=NO_FILE,
        sslcertmode="disable",
        gssencmode="disable",
        application_name="sequin-admin",
        autocommit=True,
    )


PRIVILEGES_QUERY = sql.SQL(
    "SELECT current_setting('server_version'), pg_is_in_recovery(), "
    "coalesce(nullif(%(schema)s, ''), current_schema(), 'public') AS chosen, "
    "has_database_privilege(current_database(), 'CREATE')"
)
SCHEMA_QUERY = sql.SQL(
    "SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = %s"
)


def check_privileges(connection: psycopg.Connection[TupleRow], schema: str) -> str:
    """The server's version. Raises `PrivilegeMissing` if the user may not create tables."""
    (row,) = connection.execute(PRIVILEGES_QUERY, {"schema": schema}).fetchall()
    version, is_replica, chosen, may_create_schemas = row
    if is_replica:
        raise PrivilegeMissing("read_only", chosen)
    found = connection.execute(SCHEMA_QUERY, [chosen]).fetchone()
    if found is None and not may_create_schemas:
        raise PrivilegeMissing("no_schema", chosen)
    if found is not None and not found[0]:
        raise PrivilegeMissing("no_right", chosen)
    return str(version)[:100]


if __name__ == "__main__":
    main()
