"""Which addresses may be called, and in which order. Needs no Django and no settings.

A name is resolved once per connection, and exactly the addresses that were checked are called
(no DNS rebinding). Times called `ends` are on the monotonic clock.
"""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

Address = IPv4Address | IPv6Address
# As getaddrinfo returns it: family, type, protocol, canonical name, socket address.
AddressInfo: TypeAlias = tuple[int, int, int, str, tuple[str | int | bytes, ...]]
# Every network, for hosts that the operator has named.
EVERYWHERE = ("0.0.0.0/0", "::/0")
# No setting allows these.
NEVER_CALLED = tuple(
    ip_network(text)
    for text in (
        # Unspecified: this machine (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.2).
        *("0.0.0.0/8", "::/128"),
        # Link-local. 169.254.169.254 is the metadata service of AWS, Azure, Google and others.
        *("169.254.0.0/16", "fe80::/10"),
        # Metadata services elsewhere: Azure, Oracle, Alibaba, AWS over IPv6, Google over IPv6.
        *("168.63.129.16/32", "192.0.0.192/32", "100.100.100.200/32"),
        *("fd00:ec2::/32", "fd20:ce::254/128"),
        # 6to4 relays (RFC 7526), documentation (RFC 9637), NAT64 of one network (RFC 8215).
        *("192.88.99.0/24", "3fff::/20", "64:ff9b:1::/48"),
        *("224.0.0.0/4", "ff00::/8"),  # multicast
    )
)
# IPv6 networks whose addresses embed an IPv4 address, and its offset in bits from the right:
# 6to4 (RFC 3056) and NAT64 (RFC 6052).
_EMBEDS_IPV4 = {ip_network("2002::/16"): 80, ip_network("64:ff9b::/96"): 0}


class Unreachable(Exception):
    """No usable response arrived. `str()` is a sentence that says why."""


class UnknownHost(Unreachable):
    """DNS answered that there is no such host."""


class Forbidden(Unreachable):
    """The address must not be called: it is not public, one of our own, or not http(s)."""


class PrivateAddress(Forbidden):
    """The address is not public. A setting could allow it."""


@dataclass(frozen=True)
class AddressPolicy:
    """What may be called: public addresses and `networks`, but none of `services`.

    `services` are hosts and ports of our own. `remedy` is the second sentence of `PrivateAddress`.
    """

    networks: Sequence[str] = ()
    services: Sequence[tuple[str, int]] = ()
    remedy: str = "We only call addresses on the public internet."

    def vetted_addresses(self, host: str, port: int, ends: float) -> list[str]:
        """The addresses of `host`, in the order in which to try them.

        Raises `Forbidden` if one of them must not be called, and what `resolve_addresses` raises.
        """
        addresses = resolve_addresses(host, port, ends)
        for address in map(embedded_address, addresses):
            self.refuse_forbidden(host, address)
        if any(is_service(addresses, port, service, ends) for service in self.services):
            raise Forbidden(f"Port {port} of {host} is this server's own, and never called.")
        return addresses

    def refuse_forbidden(self, host: str, address: Address) -> None:
        """Raises `Forbidden` for an address that must not be called."""
        if any(address in network for network in NEVER_CALLED):
            raise Forbidden(f"{host} is not a public address. No setting allows to call this one.")
        allowed = (ip_network(network, strict=False) for network in self.networks)
        if not is_public(address) and not any(address in network for network in allowed):
            raise PrivateAddress(f"{host} is not a public address. {self.remedy}")


def resolve_addresses(host: str, port: int, ends: float) -> list[str]:
    """All IP addresses of `host`, as getaddrinfo orders them (RFC 6724).

    Raises `UnknownHost`, or `Unreachable` when DNS fails or takes longer than until `ends`.
    """
    found = look_up(host, port, ends)
    if isinstance(found, socket.gaierror):
        if found.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
            raise UnknownHost(f"There is no host named {host}.") from None
        raise Unreachable(f"The address of {host} could not be found: DNS fails.") from None
    if isinstance(found, Exception):
        raise UnknownHost(f"{host} is no name that a host can have.") from None
    if found is None:
        raise Unreachable(f"The address of {host} could not be found: DNS does not answer in time.")
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def look_up(host: str, port: int, ends: float) -> Sequence[AddressInfo] | Exception | None:
    """What getaddrinfo returned or raised; None when it still runs at `ends`.

    It has no timeout, so it runs in a thread, which ends when the resolver gives up.
    """
    found: list[Sequence[AddressInfo] | Exception] = []

    def call() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, ValueError) as error:  # UnicodeError is a ValueError
            found.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(max(0.0, ends - time.monotonic()))
    return found[0] if found else None


def canonical_host(host: str) -> str:
    """A name without case and final dot (RFC 4343, RFC 1034 section 3.1), an IP address in its
    usual form (RFC 5952): two spellings of one host are equal here."""
    bare = host.lower().removesuffix(".")
    try:
        return str(ip_address(bare))
    except ValueError:
        return bare


def needs_no_dns(host: str) -> bool:
    """Whether the host is localhost, or an IP address in any spelling that getaddrinfo takes.

    inet_aton's too: 127.1, 0x7f000001 and 2130706433 are 127.0.0.1.
    """
    try:
        name = canonical_host(host.encode("idna").decode())
        socket.getaddrinfo(name, None, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return name == "localhost" or name.endswith(".localhost")
    except UnicodeError:
        return False  # No name that a host can have.
    return True


def embedded_address(text: str) -> Address:
    """The address; of an IPv6 one that maps or embeds an IPv4 address, that one."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        for network, shift in _EMBEDS_IPV4.items():
            if address in network:
                return IPv4Address(int(address) >> shift & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address.is_site_local or address.is_reserved):
        return False
    return address.is_global and not address.is_multicast


def is_service(addresses: list[str], port: int, service: tuple[str, int], ends: float) -> bool:
    """Whether one of the addresses and the port lead to the service."""
    host, service_port = service
    if port != service_port:
        return False
    try:
        known = {embedded_address(text) for text in resolve_addresses(host, port, ends)}
    except Unreachable:
        return False  # We can't reach it ourselves.
    called = {embedded_address(text) for text in addresses}
    return bool(called & known) or (
        # A server may listen on every address of its machine.
        any(map(is_this_machine, called)) and any(map(is_this_machine, known))
    )


def is_this_machine(address: Address) -> bool:
    """Whether it is an address of this machine: only those can be listened on."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    with suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((str(address), 0))
        return True
    return address.is_loopback


def in_turn(addresses: list[str], ends: float) -> Iterator[tuple[str, float]]:
    """Each address with the seconds to try it: an equal share of the time that is left."""
    for index, address in enumerate(addresses):
        yield address, (ends - time.monotonic()) / (len(addresses) - index)


def first_reachable(addresses: list[str], port: int, ends: float) -> str:
    """The first address with an open port; the last one, untried, when no other has."""
    for address, seconds in in_turn(addresses, ends):
        if address == addresses[-1] or seconds <= 0:
            break
        with suppress(OSError), socket.create_connection((address, port), timeout=seconds):
            return address
    return addresses[-1]
