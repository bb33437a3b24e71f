"""A test network: every https host resolves to the simulator, which has our certificate.

The SDKs run unchanged: with the providers' real hosts, checking certificates. Only the CA is set,
by the variables that OpenSSL and requests read.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
import trustme

from tests.simulator_server import Simulator

HTTPS = 443
HOSTS = (
    "127.0.0.1",
    "airtable.com",
    "*.airtable.com",
    "*.us.auth0.com",
    "github.com",
    "*.github.com",
    "*.hubapi.com",
    "developer.intuit.com",
    "*.api.intuit.com",
    "*.platform.intuit.com",
    "*.linear.app",
    "*.mktorest.com",
    "*.restlets.api.netsuite.com",
    "*.suitetalk.api.netsuite.com",
    "*.salesforce.com",
    "*.my.salesforce.com",
    "*.sendgrid.com",
    "*.eu.sendgrid.com",
    "*.service-now.com",
    "*.myshopify.com",
    "*.stripe.com",
    "*.workday.com",
)


class SecureSimulator(Simulator):
    """A simulator with TLS and a certificate for all of these hosts."""

    def __init__(self, authority: trustme.CA) -> None:
        super().__init__()
        self.url = f"https://127.0.0.1:{self.port}"
        self.authority = authority
        context = ssl.create_default_context()
        authority.configure_trust(context)
        self.http.close()
        self.http = httpx2.Client(timeout=20, trust_env=False, verify=context)

    def start(self) -> "SecureSimulator":
        pem = str(Path(self.folder.name) / "simulator.pem")
        self.authority.issue_cert(*HOSTS).private_key_and_cert_chain_pem.write_to_path(pem)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GUNICORN_CMD_ARGS", f"--certfile={pem} --keyfile={pem}")
            super().start()
        return self


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def trusted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The CA file."""
    path = str(tmp_path_factory.mktemp("authority") / "ca.pem")
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture(scope="session")
def simulator_process(authority: trustme.CA) -> Iterator[Simulator]:
    simulator = SecureSimulator(authority).start()
    yield simulator
    simulator.stop()


@pytest.fixture(autouse=True)
def _network(simulator: Simulator, trusted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve names to the simulator, use no proxy, and trust its certificate."""
    resolve = socket.getaddrinfo

    def find(host, port, *args, **kwargs):
        if port != HTTPS:
            return resolve(host, port, *args, **kwargs)
        return resolve("127.0.0.1", simulator.port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", find)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, trusted)


@pytest.fixture
def consent(simulator: Simulator) -> Callable[[str, str], dict[str, str]]:
    """Press Allow for an account at an authorize URL; returns the callback's parameters."""

    def allow(url: str, account: str) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(simulator.consent(url, account=account)).query))

    return allow
