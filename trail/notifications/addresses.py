"""Where a request may go: judged from the address's text, then from what its name stands for.

Separate because it is the whole defence against requests that are made to reach inside (SSRF):
OWASP ASVS 1.3.6. Names are looked up once, each address that comes back must be public, and the
caller connects to one of these addresses, so that a name cannot change its meaning in between.
"""

import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from trail.core.errors import InputError, UnavailableError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# A name and a port in, the addresses that it stands for out; raises `OSError`.
Resolve = Callable[[str, int], list[str]]

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NETLOC = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_PORTS = {"https": 443, "http": 80, "smtps": 465, "smtp": 587}
# Prefixes under which an IPv4 address travels inside an IPv6 one: mapped, compatible, NAT64
# (RFC 6052, 8215), 6to4 (RFC 3056), Teredo (RFC 4380), and ISATAP by its interface id.
_INSIDE = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "::/96",
        "::ffff:0:0/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
    )
)
_ISATAP = (0x00005EFE, 0x02005EFE)
# Only this block holds addresses of the public internet (RFC 4291, IANA registry).
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# Never a service of somebody else. Clouds answer at 168.63.129.16 and 100.100.100.200 for the
# machine itself; the rest are IANA's special purposes, written out since Python's own lists differ
# by release.
_SPECIAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.175.48.0/24",
        "100.100.100.200/32",
        "2001::/23",
        "2001:db8::/32",
        "2620:4f:8000::/48",
        "3fff::/20",
        "5f00::/16",
    )
)


@dataclass(frozen=True, slots=True)
class Place:
    """A checked address: scheme, host as written in its canonical form, port, path and query."""

    scheme: str
    host: str
    port: int
    target: str


def read(url: str, *, loopback: bool, schemes: tuple[str, ...] = ("https",)) -> Place:
    """Return the place that *url* names.

    With *loopback*, `http` is allowed to a loopback name or address, and no other. Raises
    `InputError` for what is not plainly one host: user names, backslashes, spaces, numbers in
    place of dotted addresses, letters outside ASCII.
    """
    if len(url) > 2048 or re.search(r"[^!-~]", url) or "\\" in url or "#" in url:
        raise _refused("it has characters that an address does not need")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused("it cannot be read") from None
    if "@" in parts.netloc:
        raise _refused("it has a user name")
    if not _NETLOC.fullmatch(parts.netloc):
        raise _refused("its host cannot be read")
    host = _host(parts.hostname or "")
    scheme = parts.scheme.lower()
    if scheme not in schemes and not (loopback and scheme == "http" and _names_loopback(host)):
        raise _refused(f"it must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if port == 0:
        raise _refused("it has no port")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(scheme, host, port or _PORTS[scheme], target)


def resolved(place: Place, resolve: Resolve, *, loopback: bool) -> list[str]:
    """Return the addresses to connect to, in the order of preference.

    Raises `InputError` where any of them is not public: a name that stands for both is not to be
    trusted. Raises `UnavailableError` where the name is not known now.
    """
    try:
        result = list(dict.fromkeys(resolve(place.host, place.port)))
    except (OSError, UnicodeError):
        result = []
    if not result:
        raise UnavailableError(f"The name {place.host} is not known.", "Check the address.")
    for text in result:
        if not allowed(text, loopback=loopback):
            raise _refused("it leads to a private, local or reserved network")
    return result


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of *host* as the machine's resolver gives them; raises `OSError`."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(answer[4][0]) for answer in answers]


def allowed(text: str, *, loopback: bool) -> bool:
    """Return whether the IP address *text* may be connected to."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        return False
    if loopback and address in _LOOPBACK:
        return True
    return is_public(address)


def is_public(address: Address) -> bool:
    """Return whether *address* belongs to a host of the public internet (IANA's registries)."""
    if any(address.version == net.version and address in net for net in _SPECIAL):
        return False
    if isinstance(address, ipaddress.IPv6Address) and (
        address not in _GLOBAL_UNICAST
        or any(address in net for net in _INSIDE)
        or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP
    ):
        return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
    )


_LOOPBACK = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"))


def _host(host: str) -> str:
    if ":" in host:
        try:
            address = ipaddress.IPv6Address(host)
        except ValueError:
            raise _refused("its host cannot be read") from None
        if address.scope_id:
            raise _refused("its host names a network card")
        return str(address)
    labels = host.lower().split(".")
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _refused("its host is no name (write other letters in their xn-- form)")
    # The resolver reads 2130706433, 0x7f.1 and 0177.0.0.1 as addresses; so no number ends a name.
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise _refused("its host is a number that is no plain address") from None
    if len(labels) < 2 and host.lower() != "localhost":
        raise _refused("its host is a name of this network only")
    return host.lower()


def _names_loopback(host: str) -> bool:
    return host == "localhost" or host in {str(item) for item in _LOOPBACK}


def _refused(why: str) -> InputError:
    return InputError(f"The address is refused: {why}.", "Give a public https:// address.")
