"""Commands while a server runs: it owns the database, so they ask it over loopback HTTP.

The server leaves a note beside the database, readable by its own user only, with its address and a
token made at its start. A command that finds the note sends its arguments there; the answer is
a series of frames: one letter (o text, n note, p progress, x exit code), a length, and bytes.
"""

import http.client
import json
import os
import secrets
import stat
import struct
from dataclasses import asdict, dataclass
from pathlib import Path

from trail.core import atomic_file
from trail.core.errors import UnavailableError
from trail.core.output import Out
from trail.core.settings import Settings

PATH = "/local/command"

_FRAME = struct.Struct(">cI")


@dataclass(frozen=True, slots=True)
class Note:
    """Where a server is, and the token that proves that the reader is its user."""

    port: int
    token: str
    pid: int


def frame(kind: str, data: bytes) -> bytes:
    """Return *data* as one frame of *kind*."""
    return _FRAME.pack(kind.encode(), len(data)) + data


def note_path(settings: Settings) -> Path:
    """Return where the note of this database's server lies."""
    path = settings.store.path.absolute()
    return path.with_name(f".{path.name}.server.json")


def publish(settings: Settings, port: int) -> Note:
    """Leave a note that a server of this process listens on *port*; return it."""
    note = Note(port, secrets.token_urlsafe(32), os.getpid())
    path = note_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_file.replace(path, json.dumps(asdict(note)))
    return note


def withdraw(settings: Settings) -> None:
    """Take the note away, if it is this process's."""
    note = find(settings)
    if note and note.pid == os.getpid():
        note_path(settings).unlink(missing_ok=True)


def find(settings: Settings) -> Note | None:
    """Return the note of a server that is alive, or None.

    A note that others can read, or that another user wrote, is not trusted.
    """
    path = note_path(settings)
    try:
        about = path.stat()
        if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o077:
            return None
        result = json.loads(path.read_text())
        note = Note(int(result["port"]), str(result["token"]), int(result["pid"]))
        os.kill(note.pid, 0)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return note


def post(note: Note, path: str, body: bytes, headers: dict[str, str]) -> int:
    """Send *body* to *path* of the server; return the status of its answer.

    Raises `UnavailableError` when it does not answer.
    """
    connection = http.client.HTTPConnection("127.0.0.1", note.port, timeout=5)
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError("The server cannot reach its own address.", "Try again.") from error
    finally:
        connection.close()


class _OutputError(Exception):
    """The output of this process failed, such as a closed pipe, and not the server."""


def _show(out: Out, kind: bytes, data: bytes) -> None:
    try:
        if kind == b"p":
            share, text = json.loads(data)
            out.progress(float(share), str(text))
        else:
            (out.text if kind == b"o" else out.note)(data.decode())
    except OSError as error:
        raise _OutputError from error


def run(
    note: Note, arguments: list[str], folder: Path, out: Out, timeout_s: float = 3600
) -> int | None:
    """Run a command in the server; return its exit code, or None when no server answers.

    Raises `UnavailableError` when the server stops half-way, or says nothing for *timeout_s*.
    """
    connection = http.client.HTTPConnection("127.0.0.1", note.port, timeout=timeout_s)
    body = json.dumps({"arguments": arguments, "folder": str(folder)})
    headers = {"Authorization": f"Bearer {note.token}", "Content-Type": "application/json"}
    try:
        try:
            connection.request("POST", PATH, body, headers)
        except ConnectionError:
            return None
        response = connection.getresponse()
        if response.status in (401, 404):
            return None
        if response.status != 200:
            raise UnavailableError(
                f"The server refused the command ({response.status}).", "See its log."
            )
        while head := response.read(_FRAME.size):
            kind, length = _FRAME.unpack(head)
            data = response.read(length)
            if kind == b"x":
                return int(data)
            _show(out, kind, data)
    except _OutputError as error:
        raise error.__cause__ or error from None
    except (OSError, ValueError, http.client.HTTPException, struct.error) as error:
        raise UnavailableError(
            "The server stopped responding.", "Run the command again."
        ) from error
    finally:
        connection.close()
    raise UnavailableError("The server stopped before the command ended.", "Run the command again.")
