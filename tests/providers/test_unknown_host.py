"""A host that does not exist: who must act depends on who entered it."""

import socket

import pytest

from sequin_admin.core import connections, http
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health import probes
from tests.providers.answers import answer


@pytest.fixture
def dns(monkeypatch, settings):
    """DNS that fails in the given way, without the simulator."""
    settings.SIMULATOR_URL = ""

    def fail(errno):
        def getaddrinfo(*args, **kwargs):
            raise socket.gaierror(errno, "said by the test")

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return fail


@pytest.fixture
def credential(save):
    return save(
        "auth0_client_credentials",
        domain="caladan.us.auth0.com",
        client_id="a",
        client_secret="b",
    )


@pytest.mark.parametrize("errno", [socket.EAI_NONAME, socket.EAI_NODATA])
def test_a_tenant_that_does_not_exist_is_the_customers_to_correct(credential, dns, errno):
    dns(errno)

    outcome = probes.verify(credential)

    assert (outcome.verdict, outcome.code) == (Verdict.CUSTOMER, "unknown_host")
    assert "caladan.us.auth0.com" in outcome.message


def test_dns_that_fails_blames_nobody(credential, dns):
    dns(socket.EAI_AGAIN)

    assert probes.verify(credential).verdict is Verdict.TRANSIENT


def test_a_provider_of_one_host_is_never_the_customers_mistake(save, dns):
    dns(socket.EAI_NONAME)

    credential = save("sendgrid_key", api_key="SG.a.b")

    assert probes.verify(credential).verdict is Verdict.TRANSIENT


def test_the_door_tells_an_unknown_host_from_one_that_cannot_be_found(dns):
    dns(socket.EAI_AGAIN)

    with pytest.raises(http.Unreachable) as caught:
        connections.vetted_addresses("caladan.us.auth0.com", 443)

    assert not isinstance(caught.value, http.UnknownHost)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"errors": [{"code": "602"}]}, "602"),
        ({"errors": []}, None),
        ({"errors": "text"}, None),
        ({"errors": None}, None),
        ([], None),
        ("<html>", None),
    ],
)
def test_digging_in_an_answer_never_fails(body, found):
    assert answer(200, body).dig("errors", 0, "code") == found
