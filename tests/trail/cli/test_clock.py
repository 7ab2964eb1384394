"""Commands and background jobs in real processes whose clock was moved."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import shifted_clock
from tests.trail.cli.test_commands import InProcessTerminal, Terminal
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


# Runs its arguments as commands, all in one process, since a process takes a second to start.
COMMANDS = """
import json, os, sys
from pathlib import Path
from tests import in_process

results = [in_process.run(words.split(), os.environ.copy(), Path.cwd()) for words in sys.argv[1:]]
print(json.dumps(results))
"""


def lines(prefix: str, *moments: dt.datetime) -> str:
    return "".join(f"{event(f'{prefix}{n}', at)}\n" for n, at in enumerate(moments))


def test_a_forward_step_removes_nothing_until_an_owner_confirms(
    tmp_path: Path, library: Path
) -> None:
    right = InProcessTerminal(tmp_path)
    now = utc_now()
    right.run("load", right.write("in.ndjson", lines("e", *(now - n * DAY for n in range(30)))))
    right.run("seal")

    later = dt.datetime.now(dt.UTC) + AHEAD
    environment = {
        "TRAIL_STORE__PATH": str(right.database),
        **shifted_clock.environment(library, later),
    }
    wrong = Terminal(tmp_path, environment)
    wrong.write("new.ndjson", lines("new", now + AHEAD))

    def python(script: str, *words: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", script, *words],
            cwd=tmp_path,
            env=wrong.env,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    refused, loaded, *again = json.loads(
        python(COMMANDS, "retain", "load new.ndjson", "retain", "seal")
    )
    assert (refused[0], loaded[0]) == (1, 0)
    for moment in (later, now, now):
        assert f"{moment:%Y-%m-%d}" in refused[2]
    assert "retain --confirm-clock" in refused[2]
    for code, _, message in again:
        assert code == 1
        assert "times differ by more than 7 days" in message
    assert [line.split(":")[0] for line in python(JOBS).splitlines()] == [
        "retention stopped",
        "seals stopped",
    ]
    verified, previewed, confirmed = json.loads(
        python(COMMANDS, "verify --json", "retain --dry-run --json", "retain --confirm-clock")
    )
    assert json.loads(verified[1])["ok"]
    preview = json.loads(previewed[1])
    assert (preview["events"], preview["clock"]["plausible"]) == (30, False)
    assert "the clock shows" in confirmed[2]
    assert (confirmed[0], "30 events removed" in confirmed[1]) == (0, True)
    entries = [json.loads(path.read_text()) for path in right.folder.glob("data/*.access/*.json")]
    (confirmation,) = [entry for entry in entries if entry["kind"] == "clock_confirmed"]
    assert "the newest event arrived on" in confirmation["detail"]
