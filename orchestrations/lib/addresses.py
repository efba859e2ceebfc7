"""Which addresses of a network may be connected to for somebody who types them in. Pure; components know it too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_NAT64 = IPv6Network("64:ff9b::/96")
_PUBLIC_IPV6 = IPv6Network("2000::/3")
# Set aside, though some versions of Python take them for the internet.
_NOBODYS = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv6Network("2001:db8::/32"))


def is_public(address: str) -> bool:
    """Whether an address as a socket has it belongs to the internet: not this machine, its network, or no machine."""
    found = _behind(ip_address(address.partition("%")[0]))
    if isinstance(found, IPv6Address) and found not in _PUBLIC_IPV6:
        return False
    is_set_aside = found.is_multicast or found.is_reserved or any(found in network for network in _NOBODYS)
    return found.is_global and not is_set_aside


def _behind(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that one of IPv6 leads to, by whichever way of writing or tunnelling; itself otherwise."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    tunnelled = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or tunnelled or address


@dataclass(frozen=True)
class Permissions:
    """What the administrator allows beside the internet: every address, hosts by name, networks."""

    everything: bool = False
    hosts: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def of_setting(cls, setting: bool | Iterable[str]) -> Permissions:
        """``setting``: yes, no, or names, addresses and networks."""
        if isinstance(setting, bool):
            return cls(everything=setting)
        hosts, networks = set(), []
        for word in filter(None, (word.strip().lower() for word in setting)):
            try:
                networks.append(ip_network(word.strip("[]"), strict=False))
            except ValueError:
                hosts.add(word.rstrip("."))
        return cls(hosts=frozenset(hosts), networks=tuple(networks))

    def allow(self, host: str, address: str) -> bool:
        """``host`` as the URL names it, ``address`` as it was resolved, which is what will be connected to."""
        if self.everything or is_public(address) or host.lower().rstrip(".") in self.hosts:
            return True
        found = _behind(ip_address(address.partition("%")[0]))
        return any(found in network for network in self.networks)
