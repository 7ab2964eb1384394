"""Commands on a full or damaged disk, beside another command, and with a closed output."""

import contextlib
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.started_server import free_port
from tests.trail.cli.test_commands import InProcessTerminal, Terminal, running_server
from tests.trail.random_trail import event
from trail.core.settings import Settings
from trail.storage.duckdb import Store

READING = (
    ("events",),
    ("facets",),
    ("incidents",),
    ("findings",),
    ("status",),
    ("verify",),
    ("seal",),
    ("export", "--out", "x.csv"),
    ("evidence", "--out", "x.zip"),
    ("backup", "--out", "x.tar.zst"),
    ("load", "in.ndjson"),
)
LINES = "".join(f"{event(f'e{number}', '2026-10-01T10:00')}\n" for number in range(2_000))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a database of 2,000 events, to copy."""
    terminal = InProcessTerminal(tmp_path_factory.mktemp("loaded"))
    terminal.run("load", terminal.write("in.ndjson", LINES))
    return terminal.folder


@pytest.fixture
def here(loaded: Path, tmp_path: Path) -> InProcessTerminal:
    shutil.copytree(loaded, tmp_path / "copy")
    return InProcessTerminal(tmp_path / "copy")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("damage", ["garbage", "empty", "cut"])
def test_damaged_database_is_one_sentence(here: Terminal, damage: str) -> None:
    data = here.database.read_bytes()
    cut = data[: len(data) // 3]
    here.database.write_bytes({"garbage": b"no database" * 900, "empty": b"?", "cut": cut}[damage])
    before = names(here.folder)
    commands = READING if damage == "cut" else (*READING, ("serve", "--port", str(free_port())))
    for words in commands:
        _, remarks = here.run(*words, code=1)
        said = ("cannot be opened: it is damaged", "is damaged: parts of it cannot be read")
        assert remarks.startswith(tuple(f"trail: trail.duckdb {text}" for text in said)), words
        assert remarks.count("\n") == 1, words
    assert names(here.folder) == before, "nothing under a final name"


@contextlib.contextmanager
def longest_file(size: int) -> Iterator[None]:
    """Let this process make no file longer than *size* bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "words",
    [
        ("export", "--out", "x.ndjson"),
        ("export", "--out", "x.csv"),
        ("evidence", "--out", "x.zip"),
        ("backup", "--out", "x.tar.zst"),
        ("demo", "--out", "x.ndjson", "--events", "2000"),
    ],
)
@pytest.mark.parametrize("existing", [False, True])
def test_failed_output_leaves_nothing_behind(
    here: Terminal, words: tuple[str, ...], existing: bool
) -> None:
    out = here.folder / words[2]
    if existing and words[0] != "backup":
        out.write_text("previous")
    before = names(here.folder)
    with longest_file(9_000):
        _, remarks = here.run(*words, code=1)
    assert "Traceback" not in remarks
    assert remarks.startswith("trail: ")
    assert names(here.folder) == before
    if out.exists():
        assert out.read_text() == "previous"


def test_load_on_a_full_disk_is_one_sentence(here: Terminal) -> None:
    (here.folder / "new.ndjson").write_text(
        "".join(f"{event(f'n{number}', '2026-11-01T10:00')}\n" for number in range(9_000))
    )
    size = here.database.stat().st_size // 4
    result = subprocess.run(
        [sys.executable, "-m", "trail", "load", "new.ndjson"],
        cwd=here.folder,
        env=here.env,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, "Traceback" in result.stderr) == (1, False)
    assert "trail: The disk is full." in result.stderr
    assert here.json("status")["events"] == 2_000


def test_output_that_cannot_be_written_is_an_error(here: Terminal) -> None:
    for words in (("events",), ("status",)):
        with Path("/dev/full").open("w") as full:
            result = subprocess.run(
                [sys.executable, "-m", "trail", *words],
                cwd=here.folder,
                env=here.env,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
                check=False,
            )
        assert (result.returncode, result.stderr.count("\n")) == (1, 1)
        assert result.stderr.startswith("trail: The disk is full.")


def test_export_keeps_the_mode_and_follows_links_and_pipes(here: Terminal) -> None:
    target = here.folder / "target.csv"
    target.write_text("previous")
    target.chmod(0o640)
    (here.folder / "link.csv").symlink_to(target)
    here.run("export", "--out", "link.csv")
    assert (here.folder / "link.csv").is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert len(target.read_text().splitlines()) == 2_001
    message, _ = Terminal(here.folder).run("export", "--out", "/dev/stdout", "--format", "ndjson")
    assert message.count('"event_id"') == 2_000


def test_command_waits_for_another_command(here: Terminal) -> None:
    store = Store.open(here.database, Settings())
    try:
        with here.start("status", "--json") as waiting:
            assert waiting.stderr is not None
            assert waiting.stderr.readline() == (
                "trail: Another command has the database open; waiting up to 30 seconds.\n"
            )
            store.close()
            message, remarks = waiting.communicate(timeout=60)
            assert (waiting.returncode, remarks) == (0, "")
    finally:
        store.close()
    assert '"events": 2000' in message


def first_line(here: Terminal, *words: str) -> tuple[int, str]:
    """Run a command whose reader exits after a line; return the exit code and its messages."""
    with here.start(*words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        return process.wait(60), process.stderr.read()


def test_closed_pipe_ends_quietly(here: Terminal) -> None:
    assert first_line(here, "events", "--json") == (0, "")


@pytest.mark.server
def test_closed_pipe_ends_quietly_through_a_server(here: Terminal) -> None:
    with running_server(here):
        for _ in range(2):
            assert first_line(here, "events", "--json") == (0, "")
        started = time.monotonic()
        assert here.json("status")["events"] == 2_000
        assert time.monotonic() - started < 10


def test_serve_checks_the_port_before_it_creates_anything(tmp_path: Path) -> None:
    here = InProcessTerminal(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        _, remarks = here.run("serve", "--port", str(port), code=1)
    assert remarks.startswith(f"trail: Port {port} on 127.0.0.1 cannot be used: Address already")
    assert names(tmp_path) == set()
    here.run("serve", "--port", "70000", code=2)
    assert names(tmp_path) == set()
