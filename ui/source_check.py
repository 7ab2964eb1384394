"""The connection test of a source: a real request that stores nothing."""

import base64
import hashlib
import hmac

from trail import remote
from trail.errors import InputError, UnavailableError
from trail.model import Drop, Feed, Receiver
from trail.settings import Settings
from ui import text

# Bodies without events, so that a test stores nothing.
_EMPTY_BODIES = {"/webhooks/segment": b"[]", "/v1/track": b"", "/v1/batch": b'{"batch":[]}'}


def check(settings: Settings, source: Feed | Drop | Receiver) -> str:
    """Connect to *source* and return the result in one sentence.

    Raises what the source raises; `UnavailableError` if the server does not reach itself,
    `InputError` if it refuses a receiver's request.
    """
    if isinstance(source, Feed):
        directory = source.directory(settings)
        people = text.count(len(directory.people), "person", "people")
        return f"Token accepted: workspace {directory.workspace_name}, {people}"
    if isinstance(source, Drop):
        return f"Readable: {text.count(_files_waiting(settings, source), 'file')} waiting"
    return _check_receiver(settings, source)


def _files_waiting(settings: Settings, drop: Drop) -> int:
    count = 0

    def skip(*_: str) -> bool:
        nonlocal count
        count += 1
        return True  # as if loaded before, so that nothing is fetched

    for _ in drop.waiting(settings, skip):
        pass
    return count


def _check_receiver(settings: Settings, receiver: Receiver) -> str:
    server = remote.find(settings)
    if server is None:
        raise UnavailableError("The address of this server is unknown.", "Restart the server.")
    path = next(path for path in reversed(receiver.paths) if _EMPTY_BODIES.get(path))
    body = _EMPTY_BODIES[path]
    host = next(iter(settings.server.allowed_hosts), "127.0.0.1")
    status = remote.post(server, path, body, {"Host": host, **_signature(settings, path, body)})
    if status != 200:
        raise InputError(f"{path} answered {status}.", "See the server log.")
    return f"{path} accepts requests that are signed with your key"


def _signature(settings: Settings, path: str, body: bytes) -> dict[str, str]:
    if path == "/webhooks/segment":
        secret = settings.push.webhook_secrets[0].get_secret_value().encode()
        return {"X-Signature": hmac.digest(secret, body, hashlib.sha1).hex()}
    key = settings.push.write_keys[0].get_secret_value()
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}
