"""Bind the sockets of the server before anything else is created."""

import socket

from trail.core.errors import SettingError, UnavailableError

_MAX_PORT = 65_535


def bind(host: str, port: int) -> list[socket.socket]:
    """Return a bound socket for each address of *host*.

    Raises `SettingError` for an invalid port, `UnavailableError` if an address cannot be used.
    """
    bound: list[socket.socket] = []
    if not 1 <= port <= _MAX_PORT:  # getaddrinfo would wrap it around
        raise SettingError(f"Invalid port {port}.", f"Use 1 to {_MAX_PORT}.")
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            listener = socket.socket(family, kind, protocol)
            bound.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
    except OSError as error:
        close(bound)
        reason = getattr(error, "strerror", None) or str(error)
        raise UnavailableError(
            f"Port {port} on {host} cannot be used: {reason}.",
            "Stop the program that uses it, or choose another: serve --port N",
        ) from error
    return bound


def close(bound: list[socket.socket]) -> None:
    """Close the sockets."""
    for listener in bound:
        listener.close()
