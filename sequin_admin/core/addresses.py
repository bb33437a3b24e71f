"""Addresses of hosts, and which of them may be called. Only the standard library is imported: the
process that tests a target has no Django."""

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


class Unreachable(Exception):
    """No usable response arrived. `str()` is a sentence that says why."""


class UnknownHost(Unreachable):
    """DNS answered that there is no such host."""


class Forbidden(Unreachable):
    """The address must not be called: it is not public, or not http(s)."""


def resolve_addresses(host: str, port: int) -> list[str]:
    """All IP addresses of `host`. Raises `UnknownHost`, or `Unreachable` when DNS fails."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
            raise UnknownHost(f"There is no host named {host}.") from None
        raise Unreachable(f"The address of {host} could not be found: DNS fails.") from None
    except UnicodeError:
        raise UnknownHost(f"{host} is no name that a host can have.") from None
    return sorted(str(address) for address in found)


# IPv6 networks whose addresses embed an IPv4 address, and its offset in bits from the right:
# 6to4 (RFC 3056) and NAT64 (RFC 6052).
_EMBEDS_IPV4 = {ip_network("2002::/16"): 80, ip_network("64:ff9b::/96"): 0}


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether the address is public. An embedded or mapped IPv4 address decides."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        for network, shift in _EMBEDS_IPV4.items():
            if address in network:
                return is_public(IPv4Address(int(address) >> shift & 0xFFFFFFFF))
        if address.is_site_local or address.is_reserved:
            return False
    return address.is_global and not address.is_multicast


def vetted_target_address(host: str, port: int, networks: Iterable[str]) -> str:
    """The first address of a database's host.

    Raises `Forbidden` if any address is neither public nor in one of `networks`.
    """
    addresses = resolve_addresses(host, port)
    allowed = [ip_network(network) for network in networks]
    for address in map(ip_address, addresses):
        if not is_public(address) and not any(address in network for network in allowed):
            raise Forbidden(f"{host} is in a network where this installation has no databases.")
    return addresses[0]
