"""Trying a source at the press of a button: it is really asked, and nothing is kept."""

import base64
import hashlib
import hmac

from trail import remote
from trail.errors import InputError, UnavailableError
from trail.model import Drop, Feed, Receiver
from trail.settings import Settings
from ui import text

# Holds no event, so that a trial leaves nothing behind.
_NOTHING = {"/webhooks/segment": b"[]", "/v1/track": b"", "/v1/batch": b'{"batch":[]}'}


def of_feed(settings: Settings, feed: Feed) -> str:
    """Ask who the workspace is; return what it said. Raises what the feed raises."""
    found = feed.directory(settings)
    people = text.count(len(found.people), "person", "people")
    return f"The token is accepted: workspace {found.workspace_name}, {people}."


def of_drop(settings: Settings, drop: Drop) -> str:
    """Look at what waits; return how much. Raises what the drop raises."""
    waiting = 0

    def seen(*_: str) -> bool:
        nonlocal waiting
        waiting += 1
        return True  # so that nothing is fetched

    for _ in drop.waiting(settings, seen):
        pass
    return f"It can be read: {text.count(waiting, 'file')} there."


def of_receiver(settings: Settings, receiver: Receiver) -> str:
    """Send a request without an event to our own address; return how it was answered.

    Raises `UnavailableError` when the server does not answer, `InputError` when it refuses.
    """
    note = remote.find(settings)
    if note is None:
        raise UnavailableError("The server's own address is not known.", "Start it again.")
    path = next(path for path in reversed(receiver.paths) if _NOTHING.get(path))
    body = _NOTHING[path]
    host = next(iter(settings.server.allowed_hosts), "127.0.0.1")
    status = remote.post(note, path, body, {"Host": host, **_proof(settings, path, body)})
    if status != 200:
        raise InputError(f"{path} answered {status}.", "The server's log says why.")
    return f"{path} takes what is signed with your key."


def _proof(settings: Settings, path: str, body: bytes) -> dict[str, str]:
    if path == "/webhooks/segment":
        secret = settings.push.webhook_secrets[0].get_secret_value().encode()
        return {"X-Signature": hmac.digest(secret, body, hashlib.sha1).hex()}
    key = settings.push.write_keys[0].get_secret_value()
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}
