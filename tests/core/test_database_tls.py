"""The database over TLS. PostgreSQL of the wheel has none, so PgBouncer ends it in front."""

import subprocess
import sys

import pytest

from sequin_admin.core.env import ROOT
from sequin_admin.simulator.tls.authority import Authority
from sequin_admin.syncs import postgres
from tests.patience import PATIENCE_S
from tests.postgres_cluster import PgBouncer, environment
from tests.syncs.conftest import PLACE
from tests.syncs.test_postgres import target_at

pytestmark = pytest.mark.faults
SHOW = """
from django.db import connection
connection.ensure_connection()
print("encrypted:", connection.connection.pgconn.ssl_in_use)
"""


@pytest.fixture(scope="module")
def authority_of_database(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def bouncer(cluster, authority_of_database):
    """With the certificate of localhost, and nobody without TLS."""
    bouncer = PgBouncer(cluster.port, authority_of_database.issue("localhost"))
    yield bouncer
    bouncer.stop()


CHECK = ("check", "--database", "default")


def run(port, authority, host="localhost", *, command=CHECK):
    url = f"postgresql://postgres@{host}:{port}/sequin?sslmode=verify-full"
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=environment(f"{url}&sslrootcert={authority.certificate_path}"),
        text=True,
        capture_output=True,
        timeout=PATIENCE_S,
    )


def test_the_product_runs_over_tls(bouncer, authority_of_database):
    done = run(bouncer.port, authority_of_database, command=("shell", "-v0", "-c", SHOW))

    assert done.stdout.strip() == "encrypted: True", done.stderr
    assert run(bouncer.port, authority_of_database).returncode == 0


def test_another_server_is_refused_with_a_sentence(
    cluster, bouncer, authority_of_database, tmp_path
):
    """Of another authority, of another name, and one without TLS."""
    unknown = Authority(tmp_path / "unknown")
    for done, why in (
        (run(bouncer.port, unknown), "certificate verify failed"),
        (run(bouncer.port, authority_of_database, "127.0.0.1"), "does not match host name"),
        (run(cluster.port, authority_of_database), "server does not support SSL"),
    ):
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        # Before it the log may say that the database is away.
        said = done.stderr.splitlines()[-1]
        assert said.startswith("The database can't be used: ")
        assert why in said


def test_a_target_is_verified_by_its_own_authorities(
    bouncer, authority_of_database, settings, tmp_path
):
    place = {**PLACE, "host": "localhost", "port": bouncer.port, "ssl_mode": "verify-full"}
    target = target_at({**place, "database": "sequin", "username": "postgres"})
    settings.TARGET_NETWORKS = ["127.0.0.0/8", "::1/128"]
    settings.TARGET_CA_FILE = str(authority_of_database.certificate_path)
    assert postgres.check_connection(target).ok

    settings.TARGET_CA_FILE = str(Authority(tmp_path / "unknown").certificate_path)

    assert postgres.check_connection(target).code == "tls_certificate"
