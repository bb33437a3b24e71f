"""Tests the connection to a target, in a process of its own (`connection_probe`).

TLS: https://www.postgresql.org/docs/current/libpq-ssl.html
"""

import json
import signal
import ssl
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from typing import IO, cast

from django.conf import settings

from sequin_admin.core.connections import own_services
from sequin_admin.core.destinations import Forbidden, PrivateAddress, needs_no_dns
from sequin_admin.core.env import ROOT, inherited
from sequin_admin.core.fields import DecryptionError
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.syncs import connection_probe
from sequin_admin.syncs.connection_probe import NO_FILE, ProbeAnswer, ProbeRequest
from sequin_admin.syncs.faults import classify, unreadable_outcome
from sequin_admin.syncs.models import Target

# The process ends itself at the first; the rest is for starting the interpreter.
DEADLINE_S = 5.0
START_S = 1.5
# What a process without our settings still needs; the environment may hold secrets.
PASSED_ON = ("LD_LIBRARY_PATH", "SSL_CERT_DIR", "SSL_CERT_FILE")
MOST_ANSWER_BYTES = 65_536


def check_connection(target: Target) -> Outcome:
    """Connect, and check the privileges. Takes `DEADLINE_S + START_S` at most."""
    try:
        request = request_for(target)
    except DecryptionError as error:
        return unreadable_outcome(error)
    return classify(run_probe(request), target.address)


def request_for(target: Target) -> ProbeRequest:
    return ProbeRequest(
        host=target.host,
        port=target.port,
        database=target.database,
        username=target.username,
        password=str(target.secrets.get("password", "")),
        schema=target.schema,
        ssl_mode=target.ssl_mode,
        ca_file=ca_file(target.ssl_mode),
        networks=list(settings.TARGET_NETWORKS),
        services=own_services(),
        deadline_s=DEADLINE_S,
    )


def forbidden_outcome(target: Target) -> Outcome | None:
    """What its test would say of an address that must not be called. None for any other address,
    and for names, which only the test resolves."""
    if not needs_no_dns(target.host):
        return None
    policy = connection_probe.target_policy(settings.TARGET_NETWORKS, own_services())
    try:
        policy.vetted_addresses(target.host, target.port, time.monotonic() + DEADLINE_S)
    except Forbidden as error:
        failure = "private" if isinstance(error, PrivateAddress) else "forbidden"
        return classify(ProbeAnswer(failure, str(error)), target.address)
    return None


def run_probe(request: ProbeRequest) -> ProbeAnswer:
    """Run the program, and wait until it has ended. Its answer is not trusted: what a server does
    to libpq happens there."""
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-s", "-m", connection_probe.__name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={name: value for name, value in inherited().items() if name in PASSED_ON},
        start_new_session=True,
    )
    with process:
        try:
            # Request and answer fit in the buffer of a pipe, so neither side waits for the other.
            with suppress(BrokenPipeError), cast(IO[bytes], process.stdin) as stdin:
                stdin.write(json.dumps(asdict(request)).encode())
            process.wait(request.deadline_s + START_S)
            return read_answer(process)
        except subprocess.TimeoutExpired:
            return ProbeAnswer("timeout")
        finally:
            process.kill()


def read_answer(process: subprocess.Popen[bytes]) -> ProbeAnswer:
    """The answer of an ended process, or what its exit code says."""
    if process.returncode == -signal.SIGALRM:
        return ProbeAnswer("timeout")
    if process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return ProbeAnswer("too_costly")
    try:
        answer = json.loads(cast(IO[bytes], process.stdout).read(MOST_ANSWER_BYTES))
        return ProbeAnswer(**{name: str(value) for name, value in answer.items()})
    except (ValueError, TypeError, AttributeError):
        return ProbeAnswer("other")


def ca_file(ssl_mode: str) -> str:
    """The file of trusted certificate authorities, which only the verifying modes use."""
    if not ssl_mode.startswith("verify"):
        return NO_FILE
    return settings.TARGET_CA_FILE or ssl.get_default_verify_paths().cafile or "system"
