"""One try by Apprise, which knows a hundred services: in a process of its own, with its hands tied.

Apprise opens its own connections. So it runs apart, where a hook of the interpreter sees each
connection before it is made and refuses those that the outbox would refuse. No proxy and no secret
of ours is in that process's environment, and it is ended when its time is over.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from trail.model import Answer, Request
from trail.outbox import addresses

_ROOT = Path(__file__).parents[2]
# What that process may not do at all.
_NEVER = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "ctypes.dlopen")
_CONNECTS = ("socket.connect", "socket.sendto", "socket.sendmsg")
# The start of Python and Apprise takes a second or two of a slow machine's time.
_START_S = 10.0
_STATUS = {"taken": 200, "refused": 400, "insecure": 400, "unknown": 400, "failed": 0}
_TROUBLE = {
    "insecure": "Apprise would send this without TLS; use the secure form of the address.",
    "unknown": "Apprise does not know this kind of address.",
    "missing": "Apprise is not installed here.",
}


def send(request: Request, *, loopback: bool, timeout_s: float) -> Answer:
    """Return 200 when the service took the message, 400 for an address that cannot be used.

    Apprise tells no more than yes or no; no is taken for a failure that may pass.
    """
    work = {"url": request.url, "loopback": loopback, "timeout_s": timeout_s}
    work.update(json.loads(request.body))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "trail.outbox.elsewhere"],
            input=json.dumps(work).encode(),
            capture_output=True,
            timeout=timeout_s + _START_S,
            cwd=_ROOT,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": "/nonexistent"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Answer(0, trouble="Apprise did not come to an end in time.")
    word = done.stdout.decode(errors="replace").strip().rpartition("\n")[2]
    trouble = _TROUBLE.get(word, "The service did not take it, as Apprise tells.")
    return Answer(_STATUS.get(word, 0), trouble="" if word == "taken" else trouble)


def tie_hands(*, loopback: bool, public: bool) -> None:
    """Let this process connect to public addresses, or with *loopback* to this machine, only.

    Lasts until the process ends: such a hook cannot be taken away. It raises `PermissionError`
    inside whatever tries.
    """

    def look(event: str, given: tuple[Any, ...]) -> None:
        if event in _NEVER:
            raise PermissionError("not in this process")
        if event in _CONNECTS:
            where = given[1]
            host = where[0] if isinstance(where, tuple) else ""
            if given[0].family not in (socket.AF_INET, socket.AF_INET6) or not (
                addresses.allowed(str(host), loopback=loopback)
                and (public or not addresses.allowed(str(host), loopback=False))
            ):
                raise PermissionError("not a public address")

    sys.addaudithook(look)


def _main() -> str:
    work = json.load(sys.stdin)
    try:
        import apprise  # only here, so that nothing else pays for it
    except ImportError:
        return "missing"
    service = apprise.Apprise.instantiate(work["url"])
    if service is None:
        return "unknown"
    secure = service.secure_protocol or ()
    is_secure = service.schema in ((secure,) if isinstance(secure, str) else secure)
    if not is_secure and not work["loopback"]:
        return "insecure"
    tie_hands(loopback=work["loopback"], public=is_secure)
    service.verify_certificate = True
    service.socket_connect_timeout = service.socket_read_timeout = work["timeout_s"]
    taken = service.notify(body=work["body"], title=work["title"], notify_type=work["type"])
    return "taken" if taken else "failed"


if __name__ == "__main__":
    print(_main())
