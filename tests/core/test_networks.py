"""Networks and addresses, and which proxies are trusted for a caller's address."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from sequin_admin.core.networks import (
    Proxies,
    allows_address,
    normalize_networks,
    parse_address,
    parse_network,
)

CALLER, PROXY, OUTER = "198.51.100.7", "10.0.0.2", "10.0.0.1"


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("192.0.2.7", "192.0.2.7/32"),
        (" 10.1.2.3/255.0.0.0 ", "10.0.0.0/8"),
        ("2001:DB8::1/32", "2001:db8::/32"),
        ("::ffff:192.0.2.9/120", "192.0.2.0/24"),
        ("::ffff:192.0.2.9", "192.0.2.9/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_a_network_is_stored_without_host_bits(text, stored):
    assert str(parse_network(text)) == stored


@pytest.mark.parametrize(
    "text", ["", "arrakis", "1", "192.0.2.0/33", "192.0.2", "fe80::1%eth0/64", "10.0.0.0/8/8", "*"]
)
def test_what_is_no_network_is_told(text):
    with pytest.raises(ValueError, match="Write it as"):
        parse_network(text)


def test_each_network_is_stored_once_and_mistakes_keep_their_place():
    found, wrong = normalize_networks(["10.0.0.1/8", "sand", "10.0.0.2/8"])

    assert found == ["10.0.0.0/8"]
    assert list(wrong) == [1]


@pytest.mark.parametrize(
    ("networks", "caller", "may"),
    [
        ([], CALLER, True),
        ([], "", True),
        (["198.51.100.0/24"], CALLER, True),
        (["198.51.100.0/24"], f"::ffff:{CALLER}", True),
        (["198.51.100.0/24"], "198.51.101.7", False),
        (["198.51.100.0/24"], "2001:db8::1", False),
        (["::/0"], CALLER, False),
        (["0.0.0.0/0", "2001:db8::/32"], "2001:db8::1", True),
        (["0.0.0.0/0"], "", False),
    ],
)
def test_a_caller_must_be_in_one_of_the_networks(networks, caller, may):
    assert allows_address(networks, parse_address(caller)) is may


@pytest.mark.parametrize(
    ("trusted", "remote", "forwarded", "seen"),
    [
        # No proxy is trusted.
        ("", CALLER, "", CALLER),
        ("", CALLER, "10.9.9.9", CALLER),
        # The last entries are from our proxies; those before are from the caller.
        ("1", PROXY, CALLER, CALLER),
        ("1", PROXY, f"10.9.9.9, {CALLER}", CALLER),
        ("2", PROXY, f"10.9.9.9, {CALLER}, {OUTER}", CALLER),
        ("2", PROXY, CALLER, PROXY),
        ("1", PROXY, "", PROXY),
        ("1", "", CALLER, CALLER),
        ("1", PROXY, f"{CALLER}:4711", CALLER),
        ("1", PROXY, "[2001:db8::1]:4711", "2001:db8::1"),
        ("1", PROXY, "nonsense", None),
        # Proxies by network: from the right, up to the first address that is not a proxy.
        ("10.0.0.0/24", PROXY, CALLER, CALLER),
        ("10.0.0.0/24", PROXY, f"10.9.9.9, {CALLER}, {OUTER}", CALLER),
        ("10.0.0.0/24", CALLER, "10.9.9.9", CALLER),
        ("10.0.0.0/24", PROXY, OUTER, OUTER),
        ("10.0.0.0/24", PROXY, f"nonsense, {OUTER}", OUTER),
        ("10.0.0.0/24", f"::ffff:{PROXY}", CALLER, CALLER),
        ("10.0.0.0/24", "", CALLER, None),
        ("10.0.0.0/24,fd00::/8", "fd00::1", f"{CALLER}, {PROXY}", CALLER),
    ],
)
def test_only_proxies_of_ours_are_believed(trusted, remote, forwarded, seen):
    proxies = Proxies.parse(trusted.split(","))

    assert proxies.client_address(remote, forwarded) == (seen and parse_address(seen))


@pytest.mark.parametrize("text", ["yes", "-1", "1,10.0.0.0/8", "*"])
def test_a_setting_that_means_nothing_stops_the_start(text):
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES"):
        Proxies.parse(text.split(","))
