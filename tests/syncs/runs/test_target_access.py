"""How the worker of a run is told to connect to its target: to an address that was checked."""

import socket

import pytest

from sequin_admin.syncs.runs import target_access
from sequin_admin.syncs.runs.target_access import TargetUnusable


@pytest.fixture
def resolve(monkeypatch):
    """Let DNS answer with these addresses of the target, or fail with this error."""
    real = socket.getaddrinfo

    def resolve(*addresses, error=None):
        def getaddrinfo(host, port, *args, **options):
            if host != "db.arrakis.test":
                return real(host, port, *args, **options)
            if error:
                raise error
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return resolve


def test_the_address_that_was_checked_is_handed_out_with_the_name(synced, resolve):
    """The name is for the certificate; the worker never asks DNS for it again."""
    resolve("93.184.216.34")

    access = target_access.access_to(synced[1])

    assert (access.host, access.hostaddr) == ("db.arrakis.test", "93.184.216.34")


def test_an_address_that_must_not_be_called_is_not_handed_out(synced, resolve):
    """Also one that DNS names only now."""
    resolve("93.184.216.34", "169.254.169.254")

    with pytest.raises(TargetUnusable, match="is not a public address") as raised:
        target_access.access_to(synced[1])

    assert not raised.value.is_temporary
    assert "spice-must-flow" not in str(raised.value)


@pytest.mark.parametrize(
    ("number", "is_temporary", "said"),
    [(socket.EAI_NONAME, False, "There is no host named"), (socket.EAI_AGAIN, True, "Try again.")],
)
def test_a_name_that_is_not_found_is_told(synced, resolve, number, is_temporary, said):
    resolve(error=socket.gaierror(number, "told"))

    with pytest.raises(TargetUnusable, match=said) as raised:
        target_access.access_to(synced[1])

    assert raised.value.is_temporary == is_temporary


@pytest.mark.parametrize(("mode", "is_told"), [("verify-full", True), ("require", False)])
def test_the_authorities_that_we_trust_go_with_it(
    synced, resolve, settings, tmp_path, mode, is_told
):
    resolve("93.184.216.34")
    settings.TARGET_CA_FILE = str(tmp_path / "ca.pem")
    (tmp_path / "ca.pem").write_text("PEM")
    synced[1].ssl_mode = mode

    access = target_access.access_to(synced[1])

    assert access.ssl_root_cert == ("PEM" if is_told else None)
