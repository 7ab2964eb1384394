"""Check that response times do not reveal which users exist: `python -m bench.signin`.

Submits wrong passwords for existing and unknown names alternately to a real server; the medians
must be within 5 %. Names and addresses change so often that the login throttle admits all attempts.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx2

from tests.browser.conftest import serving
from tests.server.tab import Tab
from trail.accounts.login_throttle import ADDRESS, PAIR
from trail.accounts.users import Users
from trail.web.guard import VISIT_COOKIE

TRIES, WITHIN = 200, 0.05
_NAMES = TRIES // PAIR
assert ADDRESS >= 2 * PAIR  # one address tries a known and an unknown name


def main() -> int:
    """Print both medians in ms and their ratio; return 0 if they are close enough."""
    took: dict[str, list[float]] = {"known": [], "unknown": []}
    with tempfile.TemporaryDirectory() as name:
        users = Users(Path(name) / "users.yaml")
        for number in range(_NAMES):
            users.add(f"known{number}", "Known", "", "owner", f"correct-horse-{number:04}")
        with serving(Path(name), TRAIL_STORE__DEMO="never") as site:
            for number in range(_NAMES):
                _tried(site.url, number, took)
    known, unknown = (statistics.median(times) * 1000 for times in took.values())
    ratio = known / unknown
    print(f"{TRIES} tries each: known {known:.1f} ms, unknown {unknown:.1f} ms, ratio {ratio:.3f}")
    return 0 if abs(ratio - 1) <= WITHIN else 1


def _tried(url: str, number: int, took: dict[str, list[float]]) -> None:
    page = httpx2.get(url, headers={"accept": "text/html"})
    source = f"127.0.1.{number + 1}"
    socket = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
    with Tab(socket, visit=page.cookies[VISIT_COOKIE], source=source) as tab:
        tab.run()
        for _ in range(PAIR):
            for kind, times in took.items():
                typed = {"Username": f"{kind}{number}", "Password": "wrong-horse-10"}
                begun = time.perf_counter()
                tab.run(typed=typed, press="Sign in")
                times.append(time.perf_counter() - begun)
                assert "Sign-in failed" in tab.text, tab.text


if __name__ == "__main__":
    sys.exit(main())
