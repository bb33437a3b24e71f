"""IP addresses and networks, and the client address of a request."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.core.exceptions import ImproperlyConfigured

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
# IPv4-mapped addresses: an IPv6 socket reports an IPv4 client as ::ffff:192.0.2.1 (RFC 4291
# section 2.5.5.2).
MAPPED = IPv6Network("::ffff:0:0/96")


@lru_cache(10_000)
def parse_network(text: str) -> Network:
    """192.0.2.7/24 -> 192.0.2.0/24. Raises `ValueError` with a sentence."""
    try:
        # A zone (%eth0) is an interface of one machine: addresses can't be compared with it.
        parsed = None if "%" in text else ip_network(text.strip(), strict=False)
    except ValueError:
        parsed = None
    if parsed is None:
        raise ValueError("This is no network. Write it as 192.0.2.0/24 or 2001:db8::/32.")
    if isinstance(parsed, IPv6Network) and parsed.subnet_of(MAPPED):
        ipv4 = IPv4Address(int(parsed.network_address) & 0xFFFFFFFF)
        return IPv4Network((ipv4, parsed.prefixlen - MAPPED.prefixlen))
    return parsed


def parse_address(text: str) -> Address | None:
    """The address of one entry of `X-Forwarded-For`, with or without a port; None if invalid."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(parsed, IPv6Address) and parsed.ipv4_mapped) or parsed


def is_subnet(inner: Network, outer: Network) -> bool:
    """Whether all of `inner` is in `outer`. False for different IP versions."""
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)


@dataclass(frozen=True)
class Proxies:
    """Trusted proxies, whose `X-Forwarded-For` is used: the last `hops`, or those in `networks`."""

    hops: int = 0
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, texts: Sequence[str]) -> "Proxies":
        """From a setting: a number of proxies, or their networks. Empty: none is trusted.

        Raises `ImproperlyConfigured`.
        """
        texts = [text.strip() for text in texts if text.strip()]
        if len(texts) == 1 and texts[0].isdecimal():
            return cls(hops=int(texts[0]))
        try:
            return cls(networks=tuple(parse_network(text) for text in texts))
        except ValueError:
            raise ImproperlyConfigured(
                f"TRUSTED_PROXIES is {','.join(texts)!r}; use the number of proxies in front, such "
                "as 1, or their networks, such as 10.0.0.0/8,fd00::/8."
            ) from None

    @property
    def any(self) -> bool:
        return bool(self.hops or self.networks)

    def client_address(self, remote: str, forwarded: str) -> Address | None:
        """The client's address: `remote` unless that is a trusted proxy. None when unknown.

        Every proxy appends the address it saw, so only entries that trusted proxies appended are
        used: `forwarded` is read from the right.
        """
        seen = parse_address(remote)
        entries = [parse_address(entry) for entry in forwarded.split(",")] if forwarded else []
        if self.hops:
            return entries[-self.hops] if len(entries) >= self.hops else seen
        while seen and entries and any(seen in known for known in self.networks):
            before = entries.pop()
            if before is None:
                break
            seen = before
        return seen


def normalize_networks(texts: Iterable[str]) -> tuple[list[str], dict[int, str]]:
    """Networks in the form they are stored in, each once, and a sentence by index of each invalid
    one."""
    found, wrong = dict[str, None](), dict[int, str]()
    for index, text in enumerate(texts):
        try:
            found[str(parse_network(text))] = None
        except ValueError as error:
            wrong[index] = str(error)
    return list(found), wrong


def allows_address(networks: Iterable[str], caller: Address | None) -> bool:
    """Whether the address is in one of the networks. An empty list allows every address."""
    known = [parse_network(text) for text in networks]
    return not known or (caller is not None and any(caller in each for each in known))
