"""Commands are killed at any moment: what was acknowledged stays, and the chain stays intact."""

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.segment_records import forwarded
from tests.trail.cli.test_commands import InProcessTerminal

pytestmark = pytest.mark.server

KILLS = int(os.environ.get("TRAIL_TEST_KILLS", "4"))
EVENTS = 400


def killed(terminal: InProcessTerminal, words: tuple[str, ...], after_s: float) -> bool:
    """Kill a command after a time; return whether it ended before with success."""
    process = terminal.start(*words)
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == 0


@pytest.mark.timeout(0)
def test_killed_commands_lose_nothing_and_break_no_chain(tmp_path: Path) -> None:
    dice = random.Random(KILLS)
    terminal = InProcessTerminal(
        tmp_path,
        {
            "TRAIL_STORE__PATH": str(tmp_path / "data" / "trail.duckdb"),
            "TRAIL_STORE__ARCHIVE": "true",
            "TRAIL_STORE__ARCHIVE_PATH": str(tmp_path / "archive"),
            "TRAIL_STORE__RETENTION_DAYS": "90",
        },
    )
    numbers = iter(range(1, 1_000_000))
    expected = 0
    terminal.run("load", terminal.write("first.ndjson", lines(numbers)))
    expected += EVENTS
    backup = ("backup", "--out", str(tmp_path / "copy.tar.zst"))
    took: dict[str, float] = {}
    ended = kills = 0
    while kills < KILLS:
        name = dice.choice(("load", "load", "seal", "retain", "backup", "restore", "verify"))
        if name == "load":
            words = ("load", terminal.write("next.ndjson", lines(numbers)))
        elif name == "backup":
            (tmp_path / "copy.tar.zst").unlink(missing_ok=True)
            words = backup
        elif name == "restore":
            (tmp_path / "kept.tar.zst").unlink(missing_ok=True)
            terminal.run("backup", "--out", str(tmp_path / "kept.tar.zst"))
            words = ("restore", str(tmp_path / "kept.tar.zst"), "--replace")
        else:
            words = (name,)
        longest = took.setdefault(name, 3.0)
        began = time.monotonic()
        done = killed(terminal, words, dice.uniform(0.9, longest))
        took[name] = max(1.2, min(longest, (time.monotonic() - began) * 1.1)) if done else longest
        kills += not done
        ended += done
        if name == "load":
            terminal.run(*words)  # again: what was kept is not kept twice
            expected += EVENTS
        assert terminal.json("status")["events"] == expected, name
        report = terminal.json("verify")
        assert report["problems"] == [], (name, report["problems"])
    print(json.dumps({"kills": kills, "ended before": ended, "events": expected}))


def lines(numbers: "object") -> str:
    """Return the next events, one per line, of today and the days before."""
    assert hasattr(numbers, "__next__")
    now = time.time()
    records = []
    for _ in range(EVENTS):
        number = next(numbers)
        at = time.gmtime(now - (number * 7919 % (20 * 86_400)))
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.", at) + f"{number % 1000:03}Z"
        records.append(json.dumps(forwarded(number, timestamp=stamp)))
    return "\n".join(records) + "\n"
