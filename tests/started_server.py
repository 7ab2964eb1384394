"""What tests of real servers need before and while a server starts."""

import contextlib
import socket
import time
from pathlib import Path
from subprocess import Popen

import httpx2

_SECONDS, _LOOK_S = 60, 0.05


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until_healthy(
    url: str, process: "Popen[bytes]", log: Path | None = None, path: str = "/healthz"
) -> None:
    """Return once *path* of the server at *url* is answered with success.

    Fails with its *log* if it ends or takes longer than a minute.
    """
    end = time.monotonic() + _SECONDS
    # Without certificates, which take longer to read than all else that a look costs.
    with httpx2.Client(base_url=url, verify=False) as client:
        while True:
            said = log.read_text() if log else url
            assert process.poll() is None, said
            assert time.monotonic() < end, said
            with contextlib.suppress(httpx2.TransportError):
                if client.get(path).is_success:
                    return
            time.sleep(_LOOK_S)
