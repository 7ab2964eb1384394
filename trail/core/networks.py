"""The network that counts as one client."""

import ipaddress


def network_of(address: str) -> str:
    """Return the address that is counted: of IPv6 the /64 network, which one client owns."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
