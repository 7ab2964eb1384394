"""The commands, standalone and while a real server has the database open."""

import contextlib
import csv
import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pyarrow.parquet as pq
import pytest

from tests import in_process
from tests.started_server import free_port, until_healthy
from tests.trail import random_trail
from tests.trail.random_trail import event
from trail.cli.main import main
from trail.core.clock import utc_now
from trail.core.model import EVENT_COLUMNS
from trail.core.server_link import PATH
from trail.runtime import startup

ROOT = Path(__file__).parents[3]
PARTS = (".streamlit", "dashboard.py", "detectors", "forwarders", "loaders", "pages", "trail", "ui")
LINES = (
    event("e1", "2026-10-01T10:00", "Source Created", actor="users/ana",
          target=("source", "s1", "Web\u2028shop")),
    event("e2", "2026-10-01T11:00", "Source Deleted", actor="users/bo",
          target=("source", "s1", "\x1b[2JWeb")),
    event("e3", "2026-10-02T10:00", "User Invite Sent", actor="users/ana",
          target=("invite", "i1", "=1+1")),
)  # fmt: skip
FILE = "".join(f"{line}\n" for line in (*LINES, LINES[0], "{broken"))


@dataclass
class Terminal:
    """A working folder, and an environment that sets the database path."""

    folder: Path
    given: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TRAIL_")}
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "TRAIL_CONFIG": str(self.folder / "none.toml"),
            "TRAIL_AUTH__USERS_PATH": str(self.folder / "users.yaml"),
            **(self.given or {"TRAIL_STORE__PATH": str(self.database)}),
        }

    @property
    def database(self) -> Path:
        return self.folder / "data" / "trail.duckdb"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        return subprocess.Popen(
            [sys.executable, "-m", "trail", *arguments],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, *arguments: str, code: int = 0, stdin_text: str = "") -> tuple[str, str]:
        """Run a command that must exit with *code*; return its output and its messages."""
        process = self.start(*arguments)
        message, remarks = process.communicate(stdin_text, 60)
        assert process.returncode == code, (arguments, message, remarks)
        assert "Traceback" not in remarks
        return message, remarks

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code)[0])

    def lines(self, *arguments: str) -> list[dict[str, Any]]:
        message, _ = self.run(*arguments, "--json")
        return [json.loads(line) for line in message.split("\n")[:-1]]

    def write(self, name: str, text: str = FILE) -> str:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return name


@dataclass
class InProcessTerminal(Terminal):
    """Runs commands in this process, which saves a second each."""

    def run(self, *arguments: str, code: int = 0, stdin_text: str = "") -> tuple[str, str]:
        given = (arguments, self.env, self.folder, stdin_text)
        returned, message, remarks = in_process.run(*given)
        assert returned == code, (arguments, message, remarks)
        return message, remarks


@contextlib.contextmanager
def running_server(
    terminal: Terminal, project: Path = ROOT
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run a real server with the terminal's environment; yield its URL once it responds.

    It writes its link file a moment after it listens; commands need that file to find it.
    """
    port = free_port()
    log = terminal.folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "dashboard:app", "--port", str(port)],
            cwd=project,
            env={**terminal.env, "PYTHONPATH": str(project)},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        until_healthy(url, process, log)
        while not list(terminal.folder.glob("data/.*.json")):
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield url, process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def here(tmp_path: Path) -> Terminal:
    """Return a terminal in an empty folder."""
    return InProcessTerminal(tmp_path)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """Return a terminal with a database that only readers use."""
    terminal = InProcessTerminal(tmp_path_factory.mktemp("filled"))
    terminal.run("load", terminal.write("in.ndjson"))
    return terminal


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Terminal, str]]:
    """Yield a terminal, whose database a server has open, and the URL of that server."""
    terminal = InProcessTerminal(tmp_path_factory.mktemp("served"))
    terminal.run("load", terminal.write("in.ndjson"))
    with running_server(terminal) as (url, _):
        yield terminal, url


def test_load_reports_counts_by_outcome(here: Terminal) -> None:
    name = here.write("in.ndjson")
    rehearsed = here.json("load", name, "--dry-run")
    numbers = {"read": 5, "kept": 3, "duplicates": 1, "quarantined": 1}
    assert rehearsed.items() >= {**numbers, "batch_id": None}.items()
    first = here.json("load", name)
    assert first.items() >= {**numbers, "batch_id": 1, "error": "", "source": name}.items()
    message, remarks = here.run("load", name)
    assert message == (
        "in.ndjson: 5 read = 0 kept + 4 duplicates + 1 quarantined\n"
        "  1 quarantined: Not JSON: unexpected character, expected a string key\n"
        "    first at 5: {broken\n"
    )
    assert "#" not in remarks, "a progress bar needs a terminal"
    result = here.json("status")
    assert (result["events"], result["batches"], result["quarantined"]) == (3, 2, 2)
    assert (result["oldest"], result["newest"]) == ("2026-10-01T10:00:00Z", "2026-10-02T10:00:00Z")


OTHER_LOGS = (
    '{"eventVersion":"1.08","eventTime":"2026-11-20T10:00:00Z","eventSource":"s3.amazonaws.com",'
    '"eventName":"PutObject"}\n'
    '{"level":"warn","time":1,"msg":"slow","type":"query","timestamp":"2026-11-20T10:00:00Z"}\n'
)


def test_load_explains_records_of_another_product(here: Terminal) -> None:
    name = here.write("other.ndjson", OTHER_LOGS + f"{LINES[0]}\n")
    for words in (("--dry-run",), ()):
        report = here.json("load", name, *words)
        assert (report["kept"], report["quarantined"]) == (1, 2)
        assert [(reason["count"], reason["line"]) for reason in report["reasons"]] == [
            (1, 1),
            (1, 2),
        ]
        assert report["reasons"][0]["sample"] == OTHER_LOGS.split("\n", maxsplit=1)[0][:160]
        assert report["looks_like"] == [
            {"product": "AWS CloudTrail", "count": 1},
            {"product": "application log", "count": 1},
        ]
    message, _ = here.run("load", name)
    assert (
        "  These look like AWS CloudTrail (1), application log (1) records, "
        "not Segment audit events.\n" in message
    )


def test_load_fails_when_no_record_is_kept(here: Terminal) -> None:
    other = here.write("other.ndjson", OTHER_LOGS.split("\n", maxsplit=1)[0])
    here.run("load", other, "--dry-run", code=1)
    message, remarks = here.run("load", other, code=1)
    assert "These look like AWS CloudTrail records, not Segment audit events." in message
    assert remarks == "trail: No record was kept: all were quarantined.\n"
    here.write("in/a.ndjson", OTHER_LOGS)
    here.write("in/b.ndjson", OTHER_LOGS)
    report = here.json("load", "in", code=1)
    assert sum(reason["count"] for reason in report["reasons"]) == report["quarantined"] == 4


def test_load_of_known_or_no_records_succeeds(here: Terminal) -> None:
    """A scheduled load finds its events in the store, which is what it was asked for."""
    name = here.write("in.ndjson", f"{LINES[0]}\n")
    assert here.json("load", name)["kept"] == 1
    assert here.json("load", name)["duplicates"] == 1
    here.write("in/a.ndjson", OTHER_LOGS)
    here.write("in/b.ndjson", f"{LINES[0]}\n")
    assert here.json("load", "in")["duplicates"] == 1
    assert here.json("load", here.write("empty.ndjson", "\n"))["read"] == 0


def test_commands_run_as_separate_processes(tmp_path: Path) -> None:
    here = Terminal(tmp_path)
    here.run("load", here.write("in.ndjson"))
    query = ("--query", "action=Source%20Created")
    assert [row["event_id"] for row in here.lines("events", *query)] == ["e1"]
    _, remarks = here.run("events", "--query", "colour=red", code=1)
    assert remarks.startswith("trail: Unknown filter")


@pytest.mark.parametrize("arguments", [("in.ndjson", "--dry-run"), ("missing.ndjson",)])
def test_load_without_stored_events_creates_no_database(
    here: Terminal, arguments: tuple[str, ...]
) -> None:
    here.write("in.ndjson")
    here.run("load", *arguments, code=0 if "--dry-run" in arguments else 1)
    assert not here.database.exists()
    _, remarks = here.run("status", code=1)
    assert "There is no database yet." in remarks


def test_folder_is_loaded_file_by_file_and_unknown_files_are_skipped(here: Terminal) -> None:
    here.write("in/b.ndjson", LINES[1])
    here.write("in/a.ndjson", LINES[0])
    here.write("in/.hidden.ndjson", LINES[2])
    here.write("in/picture.bin", "\x00\x01\x02 not ours")
    result = here.json("load", "in")
    assert {name: result[name] for name in ("read", "kept", "duplicates", "quarantined")} == {
        "read": 2, "kept": 2, "duplicates": 0, "quarantined": 0,
    }  # fmt: skip
    assert [(file["source"], file["skipped"]) for file in result["files"]] == [
        ("a.ndjson", False),
        ("b.ndjson", False),
        ("picture.bin", True),
    ]
    message, _ = here.run("load", "in/picture.bin", code=1)
    assert "picture.bin" in message


@pytest.mark.parametrize("text", ["a = " + "[" * 5_000, f"a = {'9' * 5_000}", "a = \xff", "a"])
def test_unreadable_mapping_is_an_error(filled: Terminal, tmp_path: Path, text: str) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_bytes(text.encode("latin-1"))
    _, remarks = filled.run("load", "in.ndjson", "--mapping", str(mapping), code=1)
    assert "mapping.toml: the mapping cannot be read." in remarks


def test_missing_path_is_an_error(filled: Terminal) -> None:
    _, remarks = filled.run("load", "missing.ndjson", code=1)
    assert remarks == "trail: missing.ndjson: no such file. Check the path.\n"
    _, remarks = filled.run("load", "in.ndjson", "--mapping", "no.toml", code=1)
    assert "no.toml" in remarks
    (filled.folder / "empty").mkdir()
    _, remarks = filled.run("load", "empty", code=1)
    assert "contains no files" in remarks
    assert filled.json("status")["batches"] == 1
    _, remarks = filled.run("demo", "--out", "no/such/d.ndjson", code=1)
    assert "no/such/d.ndjson" in remarks


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("load",),
        ("load", "x", "--force"),
        ("events", "--limit", "-1"),
        ("events", "--limit", "many"),
        ("export",),
        ("export", "--out", "x", "--format", "xlsx"),
        ("users",),
        ("users", "add", "x"),
        ("users", "add", "x", "--role", "king"),
        ("demo",),
    ],
)
def test_wrong_usage_exits_with_2_before_opening_anything(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # In this process: arguments are parsed before anything is opened.
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_wrong_usage_exits_with_2(here: Terminal) -> None:
    message, remarks = here.run("nonsense", code=2)
    assert message == ""
    assert "usage: python -m trail" in remarks


def test_events_as_json_are_newest_first(filled: Terminal) -> None:
    rows = filled.lines("events")
    assert [row["event_id"] for row in rows] == ["e3", "e2", "e1"]
    assert tuple(rows[0]) == EVENT_COLUMNS
    assert (
        rows[0].items()
        >= {
            "occurred_at": "2026-10-02T10:00:00Z",
            "action": "User Invite Sent",
            "actor_id": "users/ana",
            "actor_email": None,
            "target_name": "=1+1",
            "verified": None,
            "raw": LINES[2],
        }.items()
    )
    query = "actor=users/ana&sort=oldest"
    assert [row["event_id"] for row in filled.lines("events", "--query", query)] == ["e1", "e3"]
    query = "actor=USERS/Ana&sort=oldest&outcome=Success"
    assert [row["event_id"] for row in filled.lines("events", "--query", query)] == ["e1", "e3"]
    message, remarks = filled.run("events", "--json", "--query", "actor=users/anna")
    assert (message, remarks) == (
        "",
        "No actor is called “users/anna”. Did you mean users/ana?\n",
    )
    assert [row["event_id"] for row in filled.lines("events", "--limit", "1")] == ["e3"]
    assert filled.lines("events", "--limit", "0") == []
    _, remarks = filled.run("events", "--query", "colour=red", code=1)
    assert remarks.startswith("trail: Unknown filter 'colour'. Known: from, to, ")


def test_events_as_text_are_one_line_each_without_control_characters(filled: Terminal) -> None:
    message, _ = filled.run("events")
    lines = message.split("\n")
    assert lines[0].split("\t")[:3] == ["occurred_at", "action", "target_name"]
    assert [line.split("\t")[2] for line in lines[1:-1]] == [
        "=1+1",
        "\ufffd[2JWeb",
        "Web\ufffdshop",
    ]
    assert "\x1b" not in message


def test_facets_are_counted(filled: Terminal) -> None:
    result = filled.json("facets", "--query", "actor=users/ana")
    assert result["actor"] == [
        {"value": "users/ana", "count": 2},
        {"value": "users/bo", "count": 1},
    ]
    assert {item["value"]: item["count"] for item in result["target_type"]} == {
        "source": 1,
        "invite": 1,
    }
    message, _ = filled.run("facets")
    assert ["actor", "2", "users/ana"] in [line.split() for line in message.splitlines()]


def test_export_format_follows_the_file_name(filled: Terminal) -> None:
    report = filled.json("export", "--out", "all.csv", "--query", "tz=Asia/Kolkata")
    path = filled.folder / "all.csv"
    assert report.items() >= {"rows": 3, "bytes": path.stat().st_size, "format": "csv"}.items()
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    assert rows[0][:2] == ["event_id", "occurred_at (Asia/Kolkata)"]
    assert rows[1][:2] == ["e3", "2026-10-02T15:30:00.000000+05:30"]
    assert "'=1+1" in rows[1]

    filled.run("export", "--out", "some.parquet", "--columns", "target_name,event_id")
    table = pq.read_table(filled.folder / "some.parquet")
    assert table.column_names == ["target_name", "event_id"]
    assert table["event_id"].to_pylist() == ["e3", "e2", "e1"]

    message, _ = filled.run(
        "export", "--out", "x", "--format", "ndjson", "--query", "actor=users/bo"
    )
    assert message.startswith("1 events, ")
    lines = (filled.folder / "x").read_text().split("\n")[:-1]
    assert [json.loads(line)["event_id"] for line in lines] == ["e2"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--out", "all.xlsx"), "xlsx"),
        (("--out", "no/such/folder.csv"), "no/such/folder.csv"),
        (("--out", "a.csv", "--columns", "event_id,password"), "password"),
        (("--out", "a.csv", "--query", "from=soon"), "soon"),
    ],
)
def test_invalid_export_is_an_error(
    filled: Terminal, arguments: tuple[str, ...], named: str
) -> None:
    message, remarks = filled.run("export", *arguments, code=1)
    assert message == ""
    assert remarks.startswith("trail: ") and named in remarks
    assert not (filled.folder / "a.csv").exists()


def test_reading_before_the_first_load_explains_what_to_do(here: Terminal) -> None:
    _, remarks = here.run("events", code=1)
    assert remarks.startswith("trail: There is no database yet. Load a file first")
    assert not here.database.exists()


def test_demo_file_is_written_and_loads_completely(here: Terminal) -> None:
    report = here.json("demo", "--out", "d.ndjson", "--events", "300", "--seed", "5")
    assert report == {"out": "d.ndjson", "events": 300, "days": 90, "seed": 5}
    result = here.json("load", "d.ndjson")
    assert (result["read"], result["kept"]) == (300, 300)


def test_users_are_added_listed_and_removed(here: Terminal) -> None:
    message, _ = here.run(
        "users", "add", "maya", "--role", "owner", "--email", "m@x.example",
        stdin_text="correct-horse-9\n",
    )  # fmt: skip
    assert message == "add: maya\n"
    here.run("users", "add", "jon", "--role", "manager", stdin_text="correct-horse-9\n")
    message, _ = here.run("users", "list", "--json")
    rows = [json.loads(line) for line in message.splitlines()]
    assert sorted((row["username"], row["role"], row["email"]) for row in rows) == [
        ("jon", "manager", ""),
        ("maya", "owner", "m@x.example"),
    ]
    assert "correct-horse-9" not in (here.folder / "users.yaml").read_text()
    _, remarks = here.run(
        "users", "add", "maya", "--role", "owner", code=1, stdin_text="other-horse-9\n"
    )
    assert "maya" in remarks
    here.run("users", "add", "li", "--role", "owner", code=1, stdin_text="\n")
    here.run("users", "remove", "jon")
    assert "jon" not in here.run("users", "list")[0]


def test_closed_output_ends_the_command(here: Terminal) -> None:
    random_trail.store_of(
        here.folder / "data",
        [event(f"e{n}", "2026-10-01", target=("source", "s", "x" * 400)) for n in range(2_000)],
    ).close()
    process = here.start("events", "--json")
    assert process.stdout and process.stderr
    assert json.loads(process.stdout.readline())["event_id"]
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(30) == 0
    process.stderr.close()
    assert process.stdin
    process.stdin.close()


@pytest.mark.server
def test_commands_work_while_a_server_holds_the_database(served: tuple[Terminal, str]) -> None:
    terminal, _ = served
    before = terminal.json("status")["events"]
    name = terminal.write(
        "more.ndjson", "".join(f"{event(f'm{n}', '2026-09-01')}\n" for n in range(4))
    )
    assert terminal.json("load", name, "--dry-run")["kept"] == 4
    assert terminal.json("load", name)["kept"] == 4
    message, remarks = terminal.run("load", name)
    assert message == "more.ndjson: 4 read = 0 kept + 4 duplicates + 0 quarantined\n"
    assert remarks == ""
    assert terminal.json("status")["events"] == before + 4
    query = ("--query", "to=2026-09-02")
    assert [row["event_id"] for row in terminal.lines("events", *query)] == ["m3", "m2", "m1", "m0"]
    assert len(terminal.lines("events", "--limit", "2")) == 2
    assert terminal.json("facets", *query)["action"] == [{"value": "Source Created", "count": 4}]
    # The file is in the folder of the terminal, not of the server.
    assert terminal.json("export", "--out", "out.csv", *query)["rows"] == 4
    assert (terminal.folder / "out.csv").read_text().count("\n") == 5


@pytest.mark.server
def test_server_and_local_errors_are_identical(
    served: tuple[Terminal, str], filled: Terminal
) -> None:
    terminal, _ = served
    for arguments in (
        ("load", "missing.ndjson"),
        ("events", "--query", "colour=red"),
        ("export", "--out", "no/such/folder.csv"),
    ):
        assert terminal.run(*arguments, code=1) == filled.run(*arguments, code=1)


@pytest.mark.server
def test_concurrent_loads_all_succeed(served: tuple[Terminal, str]) -> None:
    terminal, _ = served
    lines = "".join(f"{event(f'p{n}', '2026-09-03')}\n" for n in range(300))
    name = terminal.write("parallel.ndjson", lines)
    started = [terminal.start("load", name, "--json") for _ in range(3)]
    reports = []
    for process in started:
        message, remarks = process.communicate("", 60)
        assert (process.returncode, remarks) == (0, "")
        reports.append(json.loads(message))
    assert sorted(report["kept"] for report in reports) == [0, 0, 300]
    assert all(report["read"] == report["kept"] + report["duplicates"] for report in reports)
    assert len({report["batch_id"] for report in reports}) == 3


@pytest.mark.server
def test_link_file_is_private_and_requests_need_its_token(served: tuple[Terminal, str]) -> None:
    terminal, url = served
    notes = list(terminal.database.parent.glob(".*.json"))
    assert len(notes) == 1
    assert stat.S_IMODE(notes[0].stat().st_mode) == 0o600
    note = json.loads(notes[0].read_text())
    assert url.endswith(f":{note['port']}")
    body = {"arguments": ["status", "--json"], "folder": "/"}
    token = note["token"]
    for wrong in (
        "",
        "Bearer",
        f"Bearer {token}x",
        f"Bearer {token[:-1]}",
        token,
        f"Basic {token}",
    ):
        refused = httpx2.post(url + PATH, json=body, headers={"Authorization": wrong})
        assert (refused.status_code, "events" in refused.text) == (401, False), wrong
    assert httpx2.post(url + PATH, json=body).status_code == 401
    assert httpx2.post(url + PATH, json=body, cookies={"token": token}).status_code == 401
    assert httpx2.post(f"{url}{PATH}?token={token}", json=body).status_code == 401
    right = httpx2.post(url + PATH, json=body, headers={"Authorization": f"Bearer {token}"})
    assert right.status_code == 200
    assert b'"events"' in right.content


@pytest.mark.server
def test_non_ascii_token_is_refused(served: tuple[Terminal, str]) -> None:
    _, url = served
    refused = httpx2.post(url + PATH, json={}, headers={"Authorization": "Bearer ö".encode()})
    assert refused.status_code == 401


@pytest.mark.server
def test_link_file_readable_by_others_is_not_trusted(
    served: tuple[Terminal, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(startup, "LOCK_WAIT_S", 1.0)
    terminal, _ = served
    (note,) = terminal.database.parent.glob(".*.json")
    note.chmod(0o644)
    try:
        message, remarks = terminal.run("status", code=1)
    finally:
        note.chmod(0o600)
    assert message == ""
    assert "another process has it open" in remarks
    terminal.run("status")


@pytest.mark.server
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL])
def test_commands_open_the_database_after_the_server_stops(
    here: Terminal, stop: signal.Signals
) -> None:
    name = here.write("in.ndjson")
    with running_server(here) as (_, process):
        assert here.json("load", name)["kept"] == 3
        process.send_signal(stop)
        process.wait(20)
    left = list(here.database.parent.glob(".*.json"))
    assert bool(left) == (stop == signal.SIGKILL), "a server that shuts down removes its link file"
    assert here.json("status")["events"] == 3
    assert here.json("load", name)["duplicates"] == 4


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Terminal]:
    """Yield a terminal in a copy of the project; its server shows a demo of two events."""
    project = tmp_path / "project"
    project.mkdir()
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, project / part)
    path = tmp_path / "demo" / "trail.duckdb"
    path.parent.mkdir()
    random_trail.store_of(
        path.parent, [event(f"demo{n}", utc_now(), "Source Created") for n in range(2)]
    ).close()
    terminal = InProcessTerminal(
        project, {"TRAIL_STORE__DEMO_PATH": str(path), "PYTHONPATH": str(project)}
    )
    with running_server(terminal, project):
        yield terminal


@pytest.mark.server
def test_demo_server_switches_to_the_database_once_events_are_stored(demo: Terminal) -> None:
    demo.write("in.ndjson")
    demo.run("load", "missing.ndjson", code=1)
    demo.run("load", "in.ndjson", "--dry-run")
    assert demo.json("status")["events"] == 2
    assert not demo.database.exists()
    assert demo.json("load", demo.write("in.ndjson"))["kept"] == 3
    assert [row["event_id"] for row in demo.lines("events")] == ["e3", "e2", "e1"]
    assert demo.json("status")["events"] == 3
    assert demo.json("load", demo.write("in.ndjson"))["kept"] == 0
    assert demo.database.exists()
