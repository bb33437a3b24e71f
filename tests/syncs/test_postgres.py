"""Connections to targets: PostgreSQL over TCP, and servers that misbehave."""

import json
import socket
import ssl
import struct
import subprocess
import sys
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from sequin_admin.core import clock
from sequin_admin.core.env import ROOT
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.syncs import connection_probe, faults, postgres
from sequin_admin.syncs.models import Target
from sequin_admin.tools.supervisor import free_port
from tests.factories import PEM
from tests.impostor_server import ask_for_many_rounds
from tests.syncs.conftest import PASSWORD


@pytest.fixture(autouse=True)
def this_machine_too(settings):
    settings.TARGET_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def place(database_server):
    return {
        "host": database_server.host,
        "port": database_server.port,
        "database": "spice",
        "username": "sequin",
        "ssl_mode": "prefer",
    }


def target_at(place, *, password=PASSWORD, **changes):
    """An unsaved target: these tests need no database of ours."""
    return Target(secrets={"password": password}, **{**place, **changes})


def test_a_right_address_works_and_tells_its_version(place):
    outcome = postgres.check_connection(target_at(place, schema="records"))

    assert outcome.ok, outcome
    assert outcome.discovered["server_version"].split(".")[0].isdigit()


def test_a_schema_that_may_be_made_need_not_exist(place):
    asked = {"username": "maker", "password": "maker"}

    assert postgres.check_connection(target_at(place, schema="new", **asked)).ok


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"password": "wrong"}, "password", "does not accept this username and password"),
        ({"username": "maker"}, "password", "does not accept this username and password"),
        ({"database": "nowhere"}, "unknown_database", "no such database"),
        ({"username": "nobody"}, "tls_required", "without TLS (pg_hba.conf)"),
        ({"ssl_mode": "require"}, "tls_not_offered", "offers no TLS"),
        ({"ssl_mode": "verify-full"}, "tls_not_offered", "offers no TLS"),
        ({"username": "reader", "password": "reader"}, "no_right", "in the schema public"),
        (
            {"username": "reader", "password": "reader", "schema": "records"},
            "no_right",
            "GRANT USAGE, CREATE ON SCHEMA records",
        ),
        (
            {"username": "reader", "password": "reader", "schema": "new"},
            "no_schema",
            "may not make one",
        ),
    ],
)
def test_what_is_wrong_is_named_and_ours_to_mend(place, changes, code, said):
    outcome = postgres.check_connection(target_at(place, **changes))

    assert outcome.code == code
    assert outcome.verdict is Verdict.OPERATOR
    assert said in outcome.sentence
    assert outcome.remedy


def test_a_closed_port_is_a_passing_trouble(place):
    outcome = postgres.check_connection(target_at(place, port=free_port()))

    assert (outcome.code, outcome.verdict) == ("refused", Verdict.TRANSIENT)
    assert "port is closed" in outcome.sentence


def test_a_host_that_nobody_has_is_ours_to_correct(place):
    outcome = postgres.check_connection(target_at(place, host="db..arrakis.test"))

    assert (outcome.code, outcome.verdict) == ("unknown_host", Verdict.OPERATOR)
    assert "db..arrakis.test" in outcome.sentence


@pytest.mark.parametrize(
    ("number", "code"), [(socket.EAI_NONAME, "unknown_host"), (socket.EAI_AGAIN, "unreachable")]
)
def test_dns_that_fails_is_told_from_a_host_that_nobody_has(place, monkeypatch, number, code):
    def fail(*args, **options):
        raise socket.gaierror(number, "from DNS")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    answer = connection_probe.probe(postgres.request_for(target_at(place)))

    assert answer.failure == code
    assert faults.classify(answer, "db:5432/spice").code == code


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "10.0.0.1", "localhost"])
def test_networks_without_databases_are_never_called(place, settings, host):
    settings.TARGET_NETWORKS = ["192.168.0.0/16"]

    outcome = postgres.check_connection(target_at(place, host=host))

    assert outcome.code == "forbidden"
    assert "TARGET_NETWORKS" in outcome.sentence


def test_no_password_stands_in_any_sentence(place):
    outcome = postgres.check_connection(target_at(place, password="sardaukar-secret-42"))

    assert "sardaukar" not in f"{outcome}"


PLACE = {"host": "127.0.0.1", "database": "spice", "username": "sequin", "ssl_mode": "disable"}
LOGGED_IN = b"R\0\0\0\x08\0\0\0\0" + b"Z\0\0\0\x05I"


def never(line):
    """Send nothing."""


def let_in_and_fall_silent(line):
    line.recv(1000)
    line.sendall(LOGGED_IN)


@pytest.mark.parametrize("behave", [never, let_in_and_fall_silent])
def test_a_silent_server_holds_us_no_longer_than_the_deadline(monkeypatch, impostor, behave):
    monkeypatch.setattr(postgres, "DEADLINE_S", 3.0)

    outcome = postgres.check_connection(target_at(PLACE, port=impostor(behave)))

    assert outcome.verdict is Verdict.TRANSIENT
    assert outcome.code in ("timeout", "broken_off")


def test_something_else_than_postgres_is_recognised(impostor):
    port = impostor(lambda line: line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))

    outcome = postgres.check_connection(target_at(PLACE, port=port))

    assert outcome.code == "broken_off"
    assert "not something else" in outcome.remedy


def test_a_certificate_of_nobody_is_refused_where_it_is_verified(tmp_path, impostor):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))

    def offer_tls(line):
        line.recv(8)
        line.sendall(b"S")
        context.wrap_socket(line, server_side=True).recv(1000)

    outcome = postgres.check_connection(
        target_at(PLACE, port=impostor(offer_tls), ssl_mode="verify-full")
    )

    assert (outcome.code, outcome.verdict) == ("tls_certificate", Verdict.OPERATOR)
    assert "TARGET_CA_FILE" in outcome.remedy


def test_a_server_that_makes_us_compute_is_given_up_at_the_deadline(impostor, monkeypatch):
    """Before it has used the processor for as long as it may, which is no passing fault."""
    monkeypatch.setattr(postgres, "DEADLINE_S", 2.5)

    outcome = postgres.check_connection(target_at(PLACE, port=impostor(ask_for_many_rounds)))

    assert outcome.verdict is Verdict.TRANSIENT


def test_computing_ends_at_its_own_limit(impostor, monkeypatch):
    monkeypatch.setattr(postgres, "DEADLINE_S", 60.0)

    outcome = postgres.check_connection(target_at(PLACE, port=impostor(ask_for_many_rounds)))

    assert (outcome.code, outcome.verdict) == ("too_costly", Verdict.OPERATOR)
    assert "scram_iterations" in outcome.remedy


def send_without_end(line):
    """Announce and send a row description of a gigabyte."""
    let_in_and_fall_silent(line)
    line.recv(1000)
    line.sendall(b"T" + struct.pack("!I", 1_000_000_000))
    while True:
        line.sendall(b"x" * 1_000_000)


def test_a_server_that_fills_our_memory_is_given_up(impostor, monkeypatch):
    monkeypatch.setattr(postgres, "DEADLINE_S", 60.0)

    outcome = postgres.check_connection(target_at(PLACE, port=impostor(send_without_end)))

    assert outcome.code in ("too_costly", "broken_off")


def test_the_program_has_no_django_and_no_secrets_of_ours(monkeypatch):
    """It has none that a server could read from it."""
    shown = "import sys, json; import sequin_admin.syncs.connection_probe; "
    shown += "json.dump(sorted({name.partition('.')[0] for name in sys.modules}), sys.stdout)"
    run = subprocess.run([sys.executable, "-c", shown], capture_output=True, check=True, cwd=ROOT)
    started = {}

    def refuse_start(command, **options):
        started.update(options, command=command)
        raise OSError("not in this test")

    monkeypatch.setattr(subprocess, "Popen", refuse_start)
    with pytest.raises(OSError, match="not in this test"):
        postgres.check_connection(target_at(PLACE, port=1))

    assert not {"django", "httpx2", "environ"} & set(json.loads(run.stdout))
    assert set(started["env"]) <= set(postgres.PASSED_ON)
    assert PASSWORD not in f"{started['command']}"


def self_signed(folder):
    key = serialization.load_pem_private_key(PEM.encode(), None)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "arrakis.test")])
    now = clock.now()
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = made.sign(key, hashes.SHA256())
    file = folder / "server.pem"
    file.write_bytes(f"{PEM}\n".encode() + certificate.public_bytes(serialization.Encoding.PEM))
    return file
