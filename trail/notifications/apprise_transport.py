"""Apprise transport: one message by the Apprise library, in a restricted process of its own.

Apprise opens its own connections, so an audit hook of that process refuses every address that the
HTTP transport would refuse. Its environment contains no proxy and no secret, and it is killed when
its time limit expires.
"""

import importlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from trail.core.model import Request, Response, Transport
from trail.notifications import addresses

_ROOT = Path(__file__).parents[2]
# Audit events that are always refused.
_FORBIDDEN_EVENTS = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "ctypes.dlopen",
)
_CONNECT_EVENTS = ("socket.connect", "socket.sendto", "socket.sendmsg")
# Extra time to start Python and import Apprise on a slow machine.
_STARTUP_S = 10.0
_STATUS = {"sent": 200, "insecure": 400, "unknown": 400}
_ERRORS = {
    "insecure": "This Apprise URL sends without TLS. Use its secure scheme.",
    "unknown": "Apprise does not support this URL scheme.",
    "missing": "Apprise is not installed. Run: pip install apprise",
}


def send(request: Request, transport: Transport) -> Response:
    """Send a message; return 200 for delivered, 400 for an unusable URL, else 0.

    Apprise reports only success or failure; a failure is treated as transient.
    """
    loopback, timeout_s = transport.loopback, transport.timeout_s
    job = {"url": request.url, "loopback": loopback, "timeout_s": timeout_s}
    job.update(json.loads(request.body))
    try:
        process = subprocess.run(
            [sys.executable, "-m", "trail.notifications.apprise_transport"],
            input=json.dumps(job).encode(),
            capture_output=True,
            timeout=timeout_s + _STARTUP_S,
            cwd=_ROOT,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": "/nonexistent"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Response(0, error="Apprise timed out.")
    result = process.stdout.decode(errors="replace").strip().rpartition("\n")[2]
    error = _ERRORS.get(result, "Apprise could not deliver the message.")
    return Response(_STATUS.get(result, 0), error="" if result == "sent" else error)


def restrict_connections(*, loopback: bool, public: bool) -> None:
    """Restrict this process to public addresses and, with *loopback*, this machine.

    Other connections raise `PermissionError`. An audit hook cannot be removed.
    """

    def check(event: str, args: tuple[Any, ...]) -> None:
        if event in _FORBIDDEN_EVENTS:
            raise PermissionError("not in this process")
        if event in _CONNECT_EVENTS:
            peer = args[1]
            host = peer[0] if isinstance(peer, tuple) else ""
            if args[0].family not in (socket.AF_INET, socket.AF_INET6) or not (
                addresses.is_allowed(str(host), loopback=loopback)
                and (public or not addresses.is_allowed(str(host), loopback=False))
            ):
                raise PermissionError("not a public address")

    sys.addaudithook(check)


def _main() -> str:
    job = json.load(sys.stdin)
    try:
        import apprise  # imported in this process only
    except ImportError:
        return "missing"
    service = apprise.Apprise.instantiate(job["url"])
    if service is None:
        return "unknown"
    secure = service.secure_protocol or ()
    is_secure = service.schema in ((secure,) if isinstance(secure, str) else secure)
    if not is_secure and not job["loopback"]:
        return "insecure"
    # A redirect would carry the credentials of the URL elsewhere.
    vars(importlib.import_module("requests.sessions"))["DEFAULT_REDIRECT_LIMIT"] = 0
    restrict_connections(loopback=job["loopback"], public=is_secure)
    service.verify_certificate = True
    service.socket_connect_timeout = service.socket_read_timeout = job["timeout_s"]
    sent = service.notify(body=job["body"], title=job["title"], notify_type=job["type"])
    return "sent" if sent else "failed"


if __name__ == "__main__":
    print(_main())
