"""Commands are killed at any moment: what was acknowledged stays, and the chain stays intact."""

import itertools
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.segment_api_server import TOKEN, SegmentApi
from tests.segment_records import api_event, forwarded
from tests.trail.cli.test_commands import InProcessTerminal

pytestmark = pytest.mark.server

KILLS = int(os.environ.get("TRAIL_TEST_KILLS", "4"))
EVENTS = 400
HOURS = 12  # a poll asks again for the last day


def killed(terminal: InProcessTerminal, words: tuple[str, ...], after_s: float) -> bool:
    """Kill a command after a time; return whether it ended before with success."""
    process = terminal.start(*words)
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == 0


@pytest.mark.timeout(0)
def test_killed_commands_lose_nothing_and_break_no_chain(tmp_path: Path) -> None:
    with SegmentApi() as api:
        run_and_kill(tmp_path, api)


def run_and_kill(folder: Path, api: SegmentApi) -> None:
    """Run commands, kill most of them, and check the trail after each."""
    dice, numbers = random.Random(KILLS), itertools.count(1)
    terminal = InProcessTerminal(
        folder,
        {
            "TRAIL_STORE__PATH": str(folder / "data" / "trail.duckdb"),
            "TRAIL_STORE__ARCHIVE": "true",
            "TRAIL_STORE__ARCHIVE_PATH": str(folder / "archive"),
            "TRAIL_STORE__RETENTION_DAYS": "90",
            "TRAIL_SEGMENT__TOKEN": TOKEN,
            "TRAIL_SEGMENT__URL": api.url,
        },
    )
    terminal.run("load", terminal.write("first.ndjson", lines(numbers)))
    expected, ended, kills = EVENTS, 0, 0
    took: dict[str, float] = {}
    while kills < KILLS:
        name = dice.choice(("load", "pull", "seal", "retain", "backup", "restore", "verify"))
        words: tuple[str, ...] = (name,)
        if name == "load":
            words = ("load", terminal.write("next.ndjson", lines(numbers)))
        elif name == "pull":
            api.events += [
                api_event(number, timestamp=stamp(number, HOURS), resourceId=f"src_{number}")
                for number in itertools.islice(numbers, EVENTS)
            ]
        elif name in ("backup", "restore"):
            path = folder / f"{name}.tar.zst"
            path.unlink(missing_ok=True)
            words = ("backup", "--out", str(path))
            if name == "restore":
                terminal.run(*words)
                words = ("restore", str(path), "--replace")
        longest = took.setdefault(name, 3.0)
        began = time.monotonic()
        done = killed(terminal, words, dice.uniform(0.9, longest))
        took[name] = max(1.2, min(longest, (time.monotonic() - began) * 1.1)) if done else longest
        kills, ended = kills + (not done), ended + done
        if name in ("load", "pull"):
            terminal.run(*words)  # again: what was kept is not kept twice
            expected += EVENTS
        assert terminal.json("status")["events"] == expected, name
        report = terminal.json("verify")
        assert report["problems"] == [], (name, report["problems"])
    print(json.dumps({"kills": kills, "ended before": ended, "events": expected}))


def lines(numbers: Iterator[int]) -> str:
    """Return the next events, one per line."""
    records = [forwarded(n, timestamp=stamp(n)) for n in itertools.islice(numbers, EVENTS)]
    return "".join(f"{json.dumps(record)}\n" for record in records)


def stamp(number: int, hours: int = 480) -> str:
    """Return a time of the last *hours*, another one for each number."""
    at = time.gmtime(time.time() - (number * 7919 % (hours * 3_600)))
    return time.strftime("%Y-%m-%dT%H:%M:%S.", at) + f"{number % 1000:03}Z"
