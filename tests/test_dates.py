"""The tests at other dates than today, and the same test ids in every process."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import shifted_clock

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

ROOT = Path(__file__).parents[1]
# What to run at each date: file names and other arguments of pytest, separated by blanks.
SELECTION_VARIABLE = "TEST_DATES_SELECTION"
# The year ahead of the newest events in fixed test data; 2028 has the next leap day. All UTC.
DATES = {
    "weekday": "2027-06-16 10:20:00",
    "weekend": "2027-06-19 15:40:00",
    "month end": "2027-04-30 23:40:00",
    "month start after midnight": "2027-06-01 00:00:20",
    "year end": "2027-12-31 21:00:00",
    "year start": "2028-01-01 00:10:00",
    "clocks forward in the US": "2027-03-14 10:30:00",
    "clocks forward in Europe": "2027-03-28 01:30:00",
    "clocks back in Europe": "2027-10-31 01:10:00",
    "clocks back in the US": "2027-11-07 06:30:00",
    "leap day": "2028-02-29 12:00:00",
}


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a process of its own, without workers."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shifted_clock.build(tmp_path_factory.mktemp("clock"))


@pytest.mark.parametrize("name", DATES)
def test_browser_tests_pass_on_this_date(name: str, library: Path) -> None:
    """The server, the browser and the process that creates the data all use the date."""
    moment = dt.datetime.fromisoformat(DATES[name]).replace(tzinfo=dt.UTC)
    selection = os.environ.get(SELECTION_VARIABLE, "").split() or ["tests/browser"]
    done = run(shifted_clock.environment(library, moment), *selection)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-4_000:]


def test_every_process_collects_the_same_ids(library: Path) -> None:
    """Workers compare their lists of tests: no id may depend on time, hash seed or chance."""
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=40, hours=5)
    collected = []
    for environment in ({"PYTHONHASHSEED": "1"}, shifted_clock.environment(library, later)):
        done = run(environment, "-p", "no:randomly", "--collect-only", "tests")
        assert done.returncode == 0, done.stdout[-20_000:]
        collected.append([line for line in done.stdout.splitlines() if "::" in line])
    assert len(collected[0]) > 1_000
    assert collected[0] == collected[1]
