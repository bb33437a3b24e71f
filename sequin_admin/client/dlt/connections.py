"""Connections to a target: to the address that the server has vetted, with nothing from elsewhere.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sequin_admin.client.target_connection import TargetConnection

CONNECT_TIMEOUT_S = 15
# libpq ignores a missing file; without a file name it would use one in our home directory.
NO_FILE = "/nonexistent/none"


@contextmanager
def libpq_parameters(target: TargetConnection) -> Iterator[dict[str, Any]]:
    """Every parameter that libpq would take from the environment, or from a file, if it lacked.

    `host` is the name that the certificate is made out to; `hostaddr` is where it connects.
    """
    known = {
        "host": target.host,
        "hostaddr": target.hostaddr,
        "port": target.port,
        "dbname": target.database,
        "user": target.username,
        "password": target.password,
        "sslmode": target.ssl_mode,
        "connect_timeout": CONNECT_TIMEOUT_S,
        "passfile": NO_FILE,
        "sslcertmode": "disable",
        "gssencmode": "disable",
        "target_session_attrs": "any",
        "options": "-c client_encoding=UTF8",
        **{"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3},
    }
    with certificate_file(target) as path:
        yield {**known, "sslrootcert": path}


@contextmanager
def certificate_file(target: TargetConnection) -> Iterator[str]:
    """The file of the authorities that a verifying mode trusts."""
    if not target.ssl_mode.startswith("verify"):
        yield NO_FILE
    elif not target.ssl_root_cert:
        yield "system"
    else:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(target.ssl_root_cert)
            file.flush()
            yield file.name
