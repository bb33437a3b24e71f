"""`manage.py tls`: real names, and a proxy that leads nowhere else."""

import socket
import ssl
import stat

import httpx2
import pytest

from tests.patience import PATIENCE_S

pytestmark = pytest.mark.faults


@pytest.fixture
def proxied(simulator):
    trusted = ssl.create_default_context(cafile=str(simulator.ca))
    proxy = f"http://127.0.0.1:{simulator.port}"
    with httpx2.Client(timeout=PATIENCE_S, trust_env=False, proxy=proxy, verify=trusted) as client:
        yield client


def test_the_proxy_leads_to_a_provider_by_its_name(proxied, simulator):
    key = simulator.account("stripe", "acct_1Arrakis0000001")["secret_key"]
    answer = proxied.get("https://api.stripe.com/v1/account", auth=(key, ""))

    assert answer.json()["id"] == "acct_1Arrakis0000001"


@pytest.mark.parametrize("target", ["https://example.com/", "https://api.stripe.com:8443/"])
def test_the_proxy_leads_nowhere_else(proxied, target):
    with pytest.raises(httpx2.ProxyError, match="403"):
        proxied.get(target)


@pytest.mark.parametrize("name", ["example.com", "api.stripe.com.example.com"])
def test_no_other_name_has_a_certificate(simulator, name):
    trusted = ssl.create_default_context(cafile=str(simulator.ca))
    refused = pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name")
    with socket.create_connection(("127.0.0.1", simulator.port)) as plain, refused:
        trusted.wrap_socket(plain, server_hostname=name)


def test_the_key_of_the_authority_is_private(simulator):
    mode = simulator.ca.with_name("ca.key").stat().st_mode

    assert stat.S_IMODE(mode) == 0o600
