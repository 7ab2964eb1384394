"""The note that a server leaves, whom it is trusted by, and answers that break off."""

import http.server
import json
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trail.core import server_link
from trail.core.errors import UnavailableError
from trail.core.sections import Store as StoreSettings
from trail.core.server_link import Note
from trail.core.settings import Settings

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


class Words:
    """Keeps what a command says."""

    def __init__(self) -> None:
        self.output: list[tuple[str, str]] = []

    def text(self, text: str) -> None:
        self.output.append(("answer", text))

    def note(self, text: str) -> None:
        self.output.append(("remark", text))

    def progress(self, share: float, text: str) -> None:
        self.output.append(("progress", f"{share:.0%} {text}"))


@pytest.fixture
def answering() -> Iterator[Callable[[int, bytes], Note]]:
    """Return a function that starts a server with one answer, and gives the note of it."""
    servers: list[http.server.HTTPServer] = []

    def started(status: int, body: bytes, length: int | None = None) -> Note:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                right = (
                    self.headers["Authorization"] == "Bearer key" and self.path == server_link.PATH
                )
                assert right and asked == {"arguments": ["status"], "folder": "/somewhere"}
                self.send_response(status)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return Note(server.server_port, "key", os.getpid())

    yield started
    for server in servers:
        server.shutdown()
        server.server_close()


def asked(note: Note) -> tuple[int | None, list[tuple[str, str]]]:
    """Return the exit code and the words of `status` asked of the server of *note*."""
    words = Words()
    return server_link.run(note, ["status"], Path("/somewhere"), words), words.output


def test_a_link_file_is_found_and_readable_only_by_its_user(settings: Settings) -> None:
    note = server_link.publish(settings, 4711)
    path = server_link.note_path(settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.parent == settings.store.path.parent
    assert server_link.find(settings) == note
    assert (note.port, note.pid) == (4711, os.getpid())
    assert len(note.token) >= 32
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert server_link.publish(settings, 4711).token != note.token
    server_link.withdraw(settings)
    assert server_link.find(settings) is None
    assert not path.exists()
    server_link.withdraw(settings)


def test_a_link_file_is_private_under_any_umask(settings: Settings) -> None:
    before = os.umask(0)
    try:
        server_link.publish(settings, 1)
    finally:
        os.umask(before)
    assert stat.S_IMODE(server_link.note_path(settings).stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o666])
def test_a_link_file_accessible_to_others_is_not_trusted(settings: Settings, mode: int) -> None:
    server_link.publish(settings, 1)
    server_link.note_path(settings).chmod(mode)
    assert server_link.find(settings) is None
    server_link.withdraw(settings)
    assert server_link.note_path(settings).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_link_file_of_another_user_is_not_trusted(settings: Settings) -> None:
    server_link.publish(settings, 1)
    os.chown(server_link.note_path(settings), 65534, -1)
    assert server_link.find(settings) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"port": "x", "token": "t", "pid": 1}', "\ufffd", '"a"']
)
def test_an_unreadable_link_file_is_ignored(settings: Settings, text: str) -> None:
    server_link.publish(settings, 1)
    server_link.note_path(settings).write_text(text)
    assert server_link.find(settings) is None


def test_a_link_file_of_an_ended_process_is_ignored(settings: Settings) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    server_link.publish(settings, 1)
    path = server_link.note_path(settings)
    path.write_text(json.dumps({"port": 1, "token": "t", "pid": gone.pid}))
    assert server_link.find(settings) is None


def test_a_link_file_of_another_process_is_not_deleted(settings: Settings) -> None:
    server_link.publish(settings, 1)
    path = server_link.note_path(settings)
    path.write_text(json.dumps({"port": 1, "token": "t", "pid": os.getppid()}))
    server_link.withdraw(settings)
    assert server_link.find(settings) == Note(1, "t", os.getppid())


def test_each_database_has_its_own_link_file(tmp_path: Path) -> None:
    names = ("trail.duckdb", "trail.db", "trail", "other.duckdb")
    paths = {
        server_link.note_path(Settings(store=StoreSettings(path=tmp_path / name))) for name in names
    }
    assert len(paths) == len(names)


def test_output_errors_and_exit_code_are_returned(
    answering: Callable[[int, bytes], Note],
) -> None:
    long = "ö" * 100_000
    frames = (
        server_link.frame("o", b"one\n"),
        server_link.frame("n", "\rwörk".encode()),
        server_link.frame("o", b""),
        server_link.frame("o", long.encode()),
        server_link.frame("x", b"3"),
    )
    code, message = asked(answering(200, b"".join(frames)))
    assert code == 3
    assert message == [("answer", "one\n"), ("remark", "\rwörk"), ("answer", ""), ("answer", long)]


@pytest.mark.parametrize("status", [401, 404])
def test_a_server_that_refuses_the_token_is_ignored(
    answering: Callable[[int, bytes], Note], status: int
) -> None:
    assert asked(answering(status, b"{}")) == (None, [])


def test_an_address_without_a_listener_is_ignored() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        assert asked(Note(probe.getsockname()[1], "key", os.getpid())) == (None, [])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        server_link.frame("o", b"half"),
        server_link.frame("o", b"half")[:-2],
        server_link.frame("o", b"half") + b"o\0\0",
        server_link.frame("o", b"half") + server_link.frame("x", b"0")[:-1],
    ],
)
@pytest.mark.parametrize("missing", [0, 10])
def test_an_interrupted_response_is_an_error(
    answering: Callable[..., Note], body: bytes, missing: int
) -> None:
    with pytest.raises(UnavailableError, match="The server stopped"):
        asked(answering(200, body, len(body) + missing))


def test_an_error_page_is_an_error(answering: Callable[[int, bytes], Note]) -> None:
    with pytest.raises(UnavailableError, match=r"refused the command \(500\)"):
        asked(answering(500, b"Internal Server Error"))
