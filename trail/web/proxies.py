"""The address and scheme of the client: the connection's, or those that a configured proxy states.

Headers about forwarding from any other peer are dropped, so that nothing behind reads them.
"""

import ipaddress
import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from trail.core.networks import Network
from trail.runtime import process

_log = logging.getLogger("trail.web")
_DROPPED = (b"forwarded", b"via", b"x-forwarded", b"x-real-ip", b"x-client-ip", b"true-client-ip")
_FOR, _SCHEME = b"x-forwarded-for", b"x-forwarded-proto"
_SCHEMES = {"http": "ws", "https": "wss"}


class Proxies:
    """ASGI middleware around the guard."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._reported = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with the client that `server.trusted_proxies` allow it to state."""
        if scope["type"] in ("http", "websocket"):
            scope = self._resolved(scope, process.current().settings.server.trusted_proxies)
        await self._app(scope, receive, send)

    def _resolved(self, scope: Scope, proxies: tuple[Network, ...]) -> Scope:
        stated = [pair for pair in scope["headers"] if pair[0].lower().startswith(_DROPPED)]
        if not stated:
            return scope
        resolved = {**scope, "headers": [pair for pair in scope["headers"] if pair not in stated]}
        peer = str(scope["client"][0]) if scope.get("client") else ""
        if not is_among(peer, proxies):
            self._report(peer, stated)
            return resolved
        resolved["client"] = (client_of(_values(stated, _FOR), peer, proxies), 0)
        scheme = "".join(_values(stated, _SCHEME)[-1:]).lower()
        if scheme in _SCHEMES:
            resolved["scheme"] = _SCHEMES[scheme] if scope["type"] == "websocket" else scheme
        return resolved

    def _report(self, peer: str, stated: list[tuple[bytes, bytes]]) -> None:
        if not self._reported and _values(stated, _FOR):
            self._reported = True
            _log.warning(
                "X-Forwarded-For of %s is ignored. If it is your proxy, add its address to "
                "server.trusted_proxies.",
                peer or "an unknown peer",
            )


def client_of(stated: list[str], peer: str, proxies: tuple[Network, ...]) -> str:
    """Return the client: the last of the *stated* addresses that is not itself a proxy.

    A proxy appends the address of its peer, so what stands further left may be invented. Without a
    valid address it is *peer*, the proxy.
    """
    client = peer
    for text in reversed(stated):
        address = _address(text)
        if address is None:
            break
        client = str(address)
        if not is_among(client, proxies):
            break
    return client


def _values(headers: list[tuple[bytes, bytes]], name: bytes) -> list[str]:
    lines = [value.decode("latin-1") for key, value in headers if key.lower() == name]
    return [item.strip() for line in lines for item in line.split(",")]


def is_among(text: str, proxies: tuple[Network, ...]) -> bool:
    """Return whether *text* is an address of *proxies*."""
    address = _address(text)
    return address is not None and any(address in network for network in proxies)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address in *text*, which may have a port, or None."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
