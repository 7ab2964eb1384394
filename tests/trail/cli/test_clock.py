"""Commands and background jobs in real processes whose clock was moved."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import shifted_clock
from tests.trail.cli.test_commands import ROOT, Terminal
from tests.trail.random_trail import event
from trail.core.clock import utc_now

DAY = dt.timedelta(days=1)
AHEAD = 200 * DAY

# The jobs of the server, without the minutes that it waits before the first run.
JOBS = """
import threading
from trail.core import settings
from trail.core.errors import TrailError
from trail.runtime import maintenance, startup
from trail.runtime.job import JobContext

loaded = settings.load()
store = startup.open_real(loaded)
context = JobContext(loaded, lambda: store, lambda: store, threading.Event())
for job in maintenance.jobs(context, threading.Event()):
    if job.health.name in ("retention", "seals"):
        try:
            print(job.health.name, "ran:", job.run(job))
        except TrailError as error:
            print(job.health.name, "stopped:", error)
store.close()
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shifted_clock.build(tmp_path_factory.mktemp("clock"))


def lines(prefix: str, *moments: dt.datetime) -> str:
    return "".join(f"{event(f'{prefix}{n}', at)}\n" for n, at in enumerate(moments))


def test_a_forward_step_removes_nothing_until_an_owner_confirms(
    tmp_path: Path, library: Path
) -> None:
    right = Terminal(tmp_path)
    now = utc_now()
    right.run("load", right.write("in.ndjson", lines("e", *(now - n * DAY for n in range(30)))))
    right.run("seal")

    later = dt.datetime.now(dt.UTC) + AHEAD
    environment = {
        "TRAIL_STORE__PATH": str(right.database),
        **shifted_clock.environment(library, later),
    }
    wrong = Terminal(tmp_path, environment)
    _, message = wrong.run("retain", code=1)
    for moment in (later, now, now):
        assert f"{moment:%Y-%m-%d}" in message
    assert "retain --confirm-clock" in message
    wrong.run("load", wrong.write("new.ndjson", lines("new", now + AHEAD)))
    for command in ("retain", "seal"):
        assert "times differ by more than 7 days" in wrong.run(command, code=1)[1]
    done = subprocess.run(
        [sys.executable, "-c", JOBS],
        cwd=ROOT,
        env=wrong.env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
        "retention stopped",
        "seals stopped",
    ]
    assert wrong.json("verify")["ok"]
    preview = wrong.json("retain", "--dry-run")
    assert (preview["events"], preview["clock"]["plausible"]) == (30, False)
    out, message = wrong.run("retain", "--confirm-clock")
    assert "the clock shows" in message
    assert "30 events removed" in out
    entries = [json.loads(path.read_text()) for path in right.folder.glob("data/*.access/*.json")]
    (confirmed,) = [entry for entry in entries if entry["kind"] == "clock_confirmed"]
    assert "the newest event arrived on" in confirmed["detail"]
