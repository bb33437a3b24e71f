"""IP addresses and networks, and where a request came from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.core.exceptions import ImproperlyConfigured

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
# ::ffff:192.0.2.1 is how an IPv6 socket names an IPv4 caller (RFC 4291 section 2.5.5.2).
MAPPED = IPv6Network("::ffff:0:0/96")


@lru_cache(10_000)
def network(text: str) -> Network:
    """192.0.2.7/24 -> 192.0.2.0/24. Raises `ValueError` with a sentence."""
    try:
        # A zone (%eth0) names a card of one machine, which is nothing to compare with.
        read = None if "%" in text else ip_network(text.strip(), strict=False)
    except ValueError:
        read = None
    if read is None:
        raise ValueError("This is no network. Write it as 192.0.2.0/24 or 2001:db8::/32.")
    if isinstance(read, IPv6Network) and read.subnet_of(MAPPED):
        four = IPv4Address(int(read.network_address) & 0xFFFFFFFF)
        return IPv4Network((four, read.prefixlen - MAPPED.prefixlen))
    return read


def address(text: str) -> Address | None:
    """The address in one place of `X-Forwarded-For`, where some proxies add the port."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        read = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(read, IPv6Address) and read.ipv4_mapped) or read


def within(inner: Network, outer: Network) -> bool:
    """Whether all of `inner` is in `outer`. The two kinds of IP have nothing in common."""
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)


@dataclass(frozen=True)
class Proxies:
    """Whose `X-Forwarded-For` is believed: of the last `hops`, or of those in `networks`."""

    hops: int = 0
    networks: tuple[Network, ...] = ()

    @classmethod
    def read(cls, texts: Sequence[str]) -> "Proxies":
        """From a setting: a number of proxies, or their networks. Nothing: nobody is believed."""
        texts = [text.strip() for text in texts if text.strip()]
        if len(texts) == 1 and texts[0].isdecimal():
            return cls(hops=int(texts[0]))
        try:
            return cls(networks=tuple(network(text) for text in texts))
        except ValueError:
            raise ImproperlyConfigured(
                f"TRUSTED_PROXIES is {','.join(texts)!r}; use the number of proxies in front, such "
                "as 1, or their networks, such as 10.0.0.0/8,fd00::/8."
            ) from None

    def caller(self, remote: str, forwarded: str) -> Address | None:
        """Who called: `remote` unless that is a proxy that we believe. None when nobody knows.

        Every proxy writes whom it saw at the end, so what stands before that is hearsay.
        """
        seen = address(remote)
        told = [address(place) for place in forwarded.split(",")] if forwarded else []
        if self.hops:
            return told[-self.hops] if len(told) >= self.hops else seen
        while seen and told and any(seen in known for known in self.networks):
            before = told.pop()
            if before is None:
                break
            seen = before
        return seen


def normalized(texts: Iterable[str]) -> tuple[list[str], dict[int, str]]:
    """Networks as they are stored, each once, and a sentence for each place that is none."""
    found, wrong = dict[str, None](), dict[int, str]()
    for place, text in enumerate(texts):
        try:
            found[str(network(text))] = None
        except ValueError as error:
            wrong[place] = str(error)
    return list(found), wrong


def contain(networks: Iterable[str], caller: Address | None) -> bool:
    """Whether a caller may come: no networks at all means from anywhere."""
    known = [network(text) for text in networks]
    return not known or (caller is not None and any(caller in each for each in known))
