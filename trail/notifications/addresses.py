"""Address check for outgoing requests, against server-side request forgery (OWASP ASVS 1.3.6).

The URL is checked first, then every IP address that its host resolves to: all must be public. The
caller connects to one of these addresses without resolving again, which prevents DNS rebinding.
"""

import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from trail.core.errors import InputError, UnavailableError
from trail.core.networks import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Returns the IP addresses of a host and port; raises `OSError`.
Resolver = Callable[[str, int], list[str]]

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NETLOC = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_PORTS = {"https": 443, "http": 80, "smtps": 465, "smtp": 587, "syslogs": 6514}
# IPv6 prefixes that embed an IPv4 address: mapped, compatible, NAT64
# (RFC 6052, 8215), 6to4 (RFC 3056), Teredo (RFC 4380), and ISATAP by its interface id.
_EMBEDDED_IPV4 = tuple(
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
# A cloud metadata address inside a private network.
_METADATA_V6 = ipaddress.IPv6Address("fd00:ec2::254")
_ISATAP = (0x00005EFE, 0x02005EFE)
# The only block with addresses of the public internet (RFC 4291, IANA registry).
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# Special-purpose ranges of IANA, listed because Python's own lists differ by release, and the
# cloud metadata addresses 168.63.129.16 and 100.100.100.200.
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
class Endpoint:
    """A checked URL: scheme, host in canonical form, port; `target` is path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def has_usual_port(self) -> bool:
        """Return whether the port is the usual one of the scheme."""
        return self.port == _PORTS[self.scheme]


def parse_url(url: str, *, loopback: bool, schemes: tuple[str, ...] = ("https",)) -> Endpoint:
    """Return the endpoint of *url*.

    With *loopback*, `http` is allowed to a loopback name or address only. Raises `InputError` for
    URLs whose host is ambiguous: user names, backslashes, spaces, numbers instead of dotted
    addresses, characters outside ASCII.
    """
    if len(url) > 2048 or re.search(r"[^!-~]", url) or "\\" in url or "#" in url:
        raise _refused_address("it is too long or contains invalid characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused_address("it is not a valid URL") from None
    if "@" in parts.netloc:
        raise _refused_address("it contains a user name")
    if not _NETLOC.fullmatch(parts.netloc):
        raise _refused_address("its host is invalid")
    host = _canonical_host(parts.hostname or "")
    scheme = parts.scheme.lower()
    if scheme not in schemes and not (loopback and scheme == "http" and is_loopback_name(host)):
        raise _refused_address(
            f"it must start with {' or '.join(f'{scheme}://' for scheme in schemes)}"
        )
    if port == 0:
        raise _refused_address("its port is 0")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Endpoint(scheme, host, port or _PORTS[scheme], target)


def resolve_public(
    endpoint: Endpoint, resolve: Resolver, *, loopback: bool, networks: tuple[Network, ...] = ()
) -> list[str]:
    """Return the IP addresses to connect to, in order of preference.

    Raises `InputError` if any of them is neither public nor in one of the private *networks*.
    Raises `UnavailableError` if the name cannot be resolved now.
    """
    try:
        result = list(dict.fromkeys(resolve(endpoint.host, endpoint.port)))
    except (OSError, UnicodeError):
        result = []
    if not result:
        raise UnavailableError(f"The host {endpoint.host} cannot be resolved.", "Check the URL.")
    for text in result:
        if not is_allowed(text, loopback=loopback, networks=networks):
            raise _refused_address("it resolves to a private, local or reserved network")
    return result


def resolve_hostname(host: str, port: int) -> list[str]:
    """Return the IP addresses of *host* from the system resolver; raises `OSError`."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(answer[4][0]) for answer in answers]


def is_allowed(text: str, *, loopback: bool, networks: tuple[Network, ...] = ()) -> bool:
    """Return whether connections to the IP address *text* are allowed.

    Allowed are public addresses, the private *networks* and, with *loopback*, this machine.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        return False
    if loopback and address in _LOOPBACK:
        return True
    if address == _METADATA_V6:
        return False
    return is_public(address) or any(
        address.version == network.version and address in network for network in networks
    )


def is_public(address: Address) -> bool:
    """Return whether *address* is on the public internet (IANA registries)."""
    if any(address.version == net.version and address in net for net in _SPECIAL):
        return False
    if isinstance(address, ipaddress.IPv6Address) and (
        address not in _GLOBAL_UNICAST
        or any(address in net for net in _EMBEDDED_IPV4)
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


def _canonical_host(host: str) -> str:
    if ":" in host:
        try:
            address = ipaddress.IPv6Address(host)
        except ValueError:
            raise _refused_address("its host is invalid") from None
        if address.scope_id:
            raise _refused_address("its host names a network interface")
        return str(address)
    labels = host.lower().split(".")
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _refused_address("its host is not a valid name (write non-ASCII names in xn-- form)")
    # Resolvers read 2130706433, 0x7f.1 and 0177.0.0.1 as addresses, so no name may end in a number.
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise _refused_address("its host is a number but not a dotted IPv4 address") from None
    if len(labels) < 2 and host.lower() != "localhost":
        raise _refused_address("its host is a local network name")
    return host.lower()


def is_loopback_name(host: str) -> bool:
    """Return whether *host* (canonical) is this machine."""
    return host == "localhost" or host in {str(item) for item in _LOOPBACK}


def _refused_address(reason: str) -> InputError:
    return InputError(f"The URL is not allowed: {reason}.", "Use a public https:// URL.")
