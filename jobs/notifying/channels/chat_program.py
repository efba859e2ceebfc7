"""A program of its own: hands one message to a chat service, by Apprise.

Its hundred services would stay in the memory of the scheduler, and none of them keeps a time limit by itself.
Standard input: ``{"address", "title", "body", "allowed"}``, the last as TUTTI_ALLOW_PRIVATE_ADDRESSES has it.
Exit code 0: taken, 1: not taken, 2: no such service, 3: it leads to a private address.
"""

import json
import socket
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from apprise import Apprise

from orchestrations.lib.addresses import Permissions

NOT_TAKEN, UNKNOWN_SERVICE, PRIVATE = 1, 2, 3


class Guard:
    """Looks at every connection of this process, whatever made it: a redirect, another reading of the address.

    Names that the administrator allows, and those of proxies, are known by the addresses that they lead to.
    """

    def __init__(self, permissions: Permissions, proxies: Iterable[str]) -> None:
        self.permissions = permissions
        self.known = {address for name in {*permissions.hosts, *proxies} for address in addresses_of(name)}
        self.has_refused = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.sendto") and not self.allows(arguments[1]):
            self.has_refused = True
            raise PermissionError("a private address")

    def allows(self, place: Any) -> bool:
        """``place``: as the socket is given it; a path is a socket of this machine."""
        if not isinstance(place, tuple):
            return False
        found = addresses_of(str(place[0]))
        return all(each in self.known or self.permissions.allow("", each) for each in found)


def addresses_of(name: str) -> set[str]:
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(name, None)}
    except (OSError, UnicodeError):
        return set()


def main() -> int:
    message = json.load(sys.stdin)
    permissions = Permissions.of_setting(message["allowed"])
    guard = Guard(permissions, filter(None, (urlsplit(url).hostname for url in getproxies().values())))
    if not permissions.everything:
        sys.addaudithook(guard)
    # One address: Apprise's own list would take several, of whatever service, in one text.
    plugin = Apprise.instantiate(message["address"])
    if plugin is None:
        return UNKNOWN_SERVICE
    service = Apprise()
    service.add(plugin)
    if service.notify(title=message["title"], body=message["body"]):
        return 0
    return PRIVATE if guard.has_refused else NOT_TAKEN


if __name__ == "__main__":
    sys.exit(main())
