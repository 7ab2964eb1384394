"""Client networks for rate limits, and private networks."""

import ipaddress

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# RFC 1918 and RFC 4193. They exclude link-local addresses, where clouds serve their metadata.
_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)


def is_private(network: Network) -> bool:
    """Return whether all addresses of *network* belong to organizations, not to the internet."""
    return any(
        network.version == known.version and network.subnet_of(known)  # type: ignore[arg-type]
        for known in _PRIVATE
    )


def network_of(address: str) -> str:
    """Return the address that is counted: of IPv6 the /64 network, which one client owns."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
