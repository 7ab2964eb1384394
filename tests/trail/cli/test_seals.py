"""`verify` and `seal` in a terminal, with and without a server, and what /healthz says."""

import datetime as dt
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tests import fixed_clock
from tests.segment_records import ndjson
from tests.trail.integrity.conftest import NOW, Trail, event
from trail.cli.context import Context
from trail.cli.main import main, parse
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.ingest.files import load_files
from trail.integrity import high_water_mark, mirror, verification
from trail.integrity.high_water_mark import Shortfall
from trail.runtime import startup
from trail.storage.duckdb import Store


class Output:
    """Collects the output of a command."""

    def __init__(self) -> None:
        self.output = ""
        self.notes = ""

    def text(self, text: str) -> None:
        self.output += text

    def note(self, text: str) -> None:
        self.notes += text

    def progress(self, share: float, text: str) -> None:
        assert 0 <= share <= 1


def _run(trail: Trail, *arguments: str) -> tuple[int, str]:
    args = parse(list(arguments))
    out = Output()

    def work(store: Store) -> int:
        context = Context(trail.settings, lambda _: store, out, trail.folder)
        code: int = args.declared.run(args, context)
        return code

    return trail.run(work), out.output


def _json(trail: Trail, *arguments: str) -> tuple[int, dict[str, Any]]:
    code, message = _run(trail, *arguments, "--json")
    return code, json.loads(message)


def test_verify_as_json(trail: Trail) -> None:
    code, message = _json(trail, "verify")
    assert (code, message["ok"], message["checked_days"], message["problems"]) == (0, True, 6, [])
    assert message["sealed_to"] == "2026-11-06"
    assert {day["state"] for day in message["days"]} == {"unchanged"}
    trail.sql("delete from events where occurred_at < '2026-11-01 00:10'")
    code, message = _json(trail, "verify")
    assert (code, message["ok"]) == (1, False)
    (problem,) = message["problems"]
    assert problem == {
        "day": "2026-11-01",
        "problem": "missing",
        "count": 1,
        "text": "2026-11-01: 1 of 40 sealed events are missing (00:00 UTC).",
    }
    assert _json(trail, "verify")[0] == 1  # the problem stays


def test_verify_as_text(trail: Trail) -> None:
    assert "6 sealed days checked" in _run(trail, "verify")[1]
    trail.sql("update events set verified = true where occurred_at < '2026-11-01 00:10'")
    code, message = _run(trail, "verify")
    assert (code, "2026-11-01  changed" in message) == (1, True)


def test_verify_seals_closed_days(settings: Settings, tmp_path: Path) -> None:
    trail = Trail(settings, tmp_path)
    trail.load([event(1, 1)])
    code, message = _json(trail, "verify")
    assert (code, message["checked_days"]) == (0, 0)
    assert message["sealed_now"] > 0
    assert _json(trail, "verify")[1]["checked_days"] == message["sealed_now"]


def test_seal_and_accept(trail: Trail, capsys: pytest.CaptureFixture[str]) -> None:
    assert _json(trail, "seal", "--confirm-clock")[0] == 0
    trail.sql("delete from events where occurred_at < '2026-11-01 00:10'")
    assert _json(trail, "seal", "--accept", "--reason", "a test")[1] == {"accepted": 1}
    assert _json(trail, "verify")[0] == 0
    assert trail.ask("select count(*) from seals where line like '%accepted: a test%'") == [(1,)]


def test_verify_against_a_copy_of_the_seals(trail: Trail) -> None:
    (trail.folder / "copy.ndjson").write_bytes(trail.files.mirror.read_bytes())
    assert _json(trail, "verify", "--against", "copy.ndjson")[0] == 0
    (trail.folder / "empty.ndjson").write_text("")
    for name in ("none.ndjson", "empty.ndjson"):
        with pytest.raises(Exception, match=r"not a file|contains no seals"):
            _json(trail, "verify", "--against", name)


def test_verify_the_archive(settings: Settings, tmp_path: Path) -> None:
    store = settings.store.model_copy(update={"archive": True, "archive_path": tmp_path / "kept"})
    trail = Trail(settings.model_copy(update={"store": store}), tmp_path)
    trail.load([event(number, of) for of in (1, 2) for number in range(3)])
    trail.seal()
    later = NOW + dt.timedelta(days=120)
    trail.run(lambda store: fixed_clock.retain(store, trail.settings, later))
    assert _run(trail, "verify", "--cold")[1].startswith(
        "2 archived days (2 files, 6 events) checked in "
    )
    next((tmp_path / "kept").rglob("*.parquet")).unlink()
    code, text = _run(trail, "verify", "--cold", "--json")
    report = json.loads(text)
    assert (code, report["ok"], report["complete"], report["files"]) == (1, False, True, 2)
    assert [problem["problem"] for problem in report["problems"]] == ["archive missing"]
    with pytest.raises(InputError, match="--restart belongs to --cold"):
        _run(trail, "verify", "--restart")


def test_verify_as_a_separate_process(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRAIL_STORE__PATH", str(trail.path))
    assert main(["verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["checked_days"] == 6


def test_verify_reports_data_loss(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRAIL_STORE__PATH", str(trail.path))
    old = trail.copy("old.duckdb")
    trail.load([event(number, 8) for number in range(10)])
    old.replace(trail.path)
    assert main(["verify"]) == 1
    message = capsys.readouterr()
    assert "rolled back" in message.out and "Pull again the events from 2026-11-08" in message.out


def test_verify_while_others_load(trail: Trail) -> None:
    """Verification reads one snapshot; concurrent writes raise no alarm."""
    store = trail.open()
    ending = threading.Event()

    def write() -> None:
        number = 0
        while not ending.is_set():
            path = trail.folder / "more.ndjson"
            path.write_bytes(ndjson([event(number % 40, 1, id=f"late-{number}")]))
            next(load_files(store, trail.settings, [path]))
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(10):
            assert verification.verify(store, trail.settings).problems == ()
    finally:
        ending.set()
        thread.join()
        store.close()
    assert trail.seal() >= 1
    assert trail.problems() == []


def test_the_workspace_database_is_monitored(trail: Trail) -> None:
    store = startup.open_real(trail.settings)
    store.close()
    assert trail.files.known.exists()


def test_status_reports_losses(trail: Trail) -> None:
    high_water_mark.record_restore(
        mirror.files(trail.settings.store.path, trail.settings).known,
        Shortfall(NOW, NOW, 240, 200, NOW - dt.timedelta(days=2), NOW),
    )
    out, args = Output(), parse(["status", "--json"])
    trail.run(
        lambda store: args.declared.run(
            args, Context(trail.settings, lambda _: store, out, trail.folder)
        )
    )
    (problem,) = json.loads(out.output)["problems"]
    assert "python -m trail pull --since" in problem
