"""The commands `retain` and `holds`, standalone and while a server runs."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.trail.cli.test_commands import InProcessTerminal, Terminal, running_server
from tests.trail.random_trail import event
from trail.core.clock import utc_now

DAY = dt.timedelta(days=1)
# Of the data; midnight may pass before a command runs.
TODAY = dt.datetime.combine(utc_now().date(), dt.time())


def lines() -> str:
    given = [
        event("old1", TODAY - 95 * DAY, target=("source", "s1", "Web\x1b[2Jshop")),
        event("old2", TODAY - 95 * DAY + DAY / 2, target=("source", "s2", "App")),
        event("old3", TODAY - 93 * DAY, target=("source", "s1", "Web shop")),
        event("new", TODAY - 3 * DAY),
    ]
    return "".join(f"{line}\n" for line in given)


@pytest.fixture
def here(tmp_path: Path) -> InProcessTerminal:
    return InProcessTerminal(tmp_path)


@pytest.fixture
def filled(here: InProcessTerminal) -> InProcessTerminal:
    here.run("load", here.write("in.ndjson", lines()))
    return here


def day(days: int) -> str:
    return (TODAY - days * DAY).date().isoformat()


def cutoffs() -> list[str]:
    """Return what the cutoff may be: of the day on which the module was imported, or of now."""
    now = dt.datetime.combine(utc_now().date(), dt.time())
    return [f"{(midnight - 90 * DAY).isoformat()}Z" for midnight in (TODAY, now)]


def retain(terminal: Terminal, *words: str) -> dict[str, Any]:
    """Run `retain`; return its answer without the cutoff, which is checked."""
    answer = dict(terminal.json("retain", *words))
    assert answer.pop("cutoff") in cutoffs()
    return answer


def story(terminal: Terminal) -> None:
    """Preview, hold, remove and preview again, with or without a server."""
    preview = retain(terminal, "--dry-run")
    assert preview == {
        "events": 3,
        "held": 0,
        "days": [
            {"day": day(95), "events": 2, "held": 0},
            {"day": day(93), "events": 1, "held": 0},
        ],
        "leaving": 0,
        "archived": 0,
        "expired": 0,
    }
    assert terminal.json("status")["events"] == 4
    held = terminal.json("holds", "add", "event", "old1", "--reason", "Case 7")
    assert held == {"hold_id": 1, "events": 1}
    expected = {
        **preview,
        "events": 2,
        "held": 1,
        "days": [{"day": day(95), "events": 1, "held": 1}, preview["days"][1]],
    }
    assert retain(terminal, "--dry-run") == expected
    assert retain(terminal) == expected
    assert [row["event_id"] for row in terminal.lines("events")] == ["new", "old1"]
    terminal.run("holds", "end", "1")
    assert retain(terminal)["events"] == 1
    assert retain(terminal)["days"] == []
    assert terminal.json("status")["events"] == 1


def test_preview_hold_and_purge(filled: InProcessTerminal) -> None:
    story(filled)


def test_text_output(filled: InProcessTerminal) -> None:
    message, _ = filled.run("retain", "--dry-run")
    header, first, second, last = message.splitlines()
    assert header.split() == ["day", "events", "on", "hold"]
    assert first.split() == [day(95), "2", "0"]
    assert second.split() == [day(93), "1", "0"]
    assert last in [
        f"Before {cutoff}: 3 events would be removed (dry run), 0 on hold, 0 archived"
        for cutoff in cutoffs()
    ]
    message, _ = filled.run("retain")
    assert message.splitlines()[-1].endswith(": 3 events removed, 0 on hold, 0 archived")


def test_the_archive_setting_is_applied(filled: InProcessTerminal) -> None:
    filled.given = {
        "TRAIL_STORE__PATH": str(filled.database),
        "TRAIL_STORE__ARCHIVE": "true",
        "TRAIL_STORE__ARCHIVE_PATH": str(filled.folder / "cold"),
    }
    assert filled.json("retain", "--dry-run")["archived"] == 0
    assert not (filled.folder / "cold").exists()
    assert filled.json("retain")["archived"] == 3
    folders = sorted(path.name for path in (filled.folder / "cold").iterdir())
    assert folders == [f"day={day(95)}", f"day={day(93)}"]


def test_a_shorter_period_waits_for_unreviewed_incidents(here: InProcessTerminal) -> None:
    target = ("warehouse", "w1", "Snow\x1b[2Jflake")
    failed = [
        event(
            f"f{n}",
            TODAY - 70 * DAY + n * DAY / 24,
            "Storage Destination Sync Failed",
            target=target,
        )
        for n in range(5)
    ]
    here.run("load", here.write("in.ndjson", "".join(f"{line}\n" for line in failed)))
    here.run("retain")
    here.given = {
        "TRAIL_STORE__PATH": str(here.database),
        "TRAIL_STORE__RETENTION_DAYS": "60",
    }
    for words in ((), ("--confirm-unreviewed", "7")):
        _, remarks = here.run("retain", *words, code=1)
        assert "was shortened from 90 to 60 days" in remarks
        assert "--confirm-unreviewed 1" in remarks
        assert f"{day(70)} incident: " in remarks
        assert "\x1b" not in remarks
    assert "was shortened" in here.run("retain", "--dry-run")[1]
    assert here.json("status")["events"] == 5
    assert here.json("retain", "--confirm-unreviewed", "1")["events"] == 5


def test_holds_are_listed(filled: InProcessTerminal) -> None:
    filled.run("holds", "add", "target", "s1", "--reason", "Case\x1b[2J 7")
    message, _ = filled.run("holds", "add", "period", "--from", day(96), "--to",
                         f"{day(94)}T02:00:00+02:00", "--reason", "Case 8")  # fmt: skip
    assert message == "Hold 2 covers 2 events\n"
    first, second = filled.lines("holds", "list")
    assert (first["kind"], first["value"], first["from_at"]) == ("target", "s1", None)
    assert (second["from_at"], second["to_at"]) == (f"{day(96)}T00:00:00Z", f"{day(94)}T00:00:00Z")
    assert (second["reason"], second["made_by"]) == ("Case 8", "command line")
    message, _ = filled.run("holds", "list")
    assert message.splitlines() == [
        f"hold  kind    scope{' ' * 41}made by       reason",
        f"   1  target  s1{' ' * 44}command line  Case\ufffd[2J 7",
        f"   2  period  {day(96)}T00:00:00Z to {day(94)}T00:00:00Z  command line  Case 8",
    ]
    assert filled.run("holds", "end", "1")[0] == "Hold 1 ended\n"
    assert len(filled.lines("holds", "list")) == 1


@pytest.mark.parametrize(
    ("words", "remark"),
    [
        (("holds", "add", "event", "--reason", "x"), "The id of the event is missing."),
        (("holds", "add", "event", "old1", "--reason", " "), "The reason of the hold is missing."),
        (("holds", "add", "period", "--from", "2026-01-01", "--reason", "x"), "needs from and to"),
        (("holds", "add", "period", "--from", "soon", "--to", "2026-01-01", "--reason", "x"),
         "Invalid time 'soon'."),
        (("holds", "end", "7"), "Hold 7 does not exist."),
    ],
)  # fmt: skip
def test_invalid_input_is_reported(
    filled: InProcessTerminal, words: tuple[str, ...], remark: str
) -> None:
    message, remarks = filled.run(*words, code=1)
    assert message == ""
    assert remark in remarks


@pytest.mark.parametrize(
    "words", [("retain",), ("retain", "--dry-run"), ("holds", "list")], ids=" ".join
)
def test_no_database_is_created(here: InProcessTerminal, words: tuple[str, ...]) -> None:
    _, remarks = here.run(*words, code=1)
    assert "There is no database yet." in remarks
    assert not here.database.exists()


@pytest.mark.parametrize(
    "words", [("holds",), ("holds", "add", "row", "x", "--reason", "x"), ("holds", "add", "event")]
)
def test_wrong_usage_exits_with_2(here: InProcessTerminal, words: tuple[str, ...]) -> None:
    _, remarks = here.run(*words, code=2)
    assert "usage:" in remarks


@pytest.fixture
def served(filled: InProcessTerminal) -> Iterator[Terminal]:
    with running_server(filled):
        yield filled


@pytest.mark.server
def test_output_is_the_same_while_a_server_runs(served: Terminal) -> None:
    story(served)
    _, remarks = served.run("holds", "end", "9", code=1)
    assert "Hold 9 does not exist." in remarks


def test_json_output_is_one_object(filled: InProcessTerminal) -> None:
    message, _ = filled.run("retain", "--json")
    assert message.count("\n") == 1
    assert set(json.loads(message)) == {
        "cutoff",
        "events",
        "held",
        "days",
        "leaving",
        "archived",
        "expired",
    }
