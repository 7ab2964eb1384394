"""Password guessing on a real server: few checks for any number of attempts, no lockout.

The access log distinguishes checked attempts ("wrong password", one bcrypt each) from attempts
that were throttled before the check ("too many attempts").
"""

import csv
import io
import threading
from collections import Counter
from collections.abc import Callable

import httpx2
import pytest

from tests.server.conftest import PASSWORD, Running
from trail.accounts.login_throttle import PAIR
from trail.web.guard import COOKIE, VISIT_COOKIE

pytestmark = pytest.mark.server

TRIES, TABS = 400, 8
OTHER_ADDRESS = "127.0.0.2"


def guess(server: Running, tries: int) -> None:
    with server.http() as client, server.tab(visit=client.cookies[VISIT_COOKIE]) as tab:
        tab.run(page="probe")
        for number in range(tries):
            tab.run(
                page="probe",
                typed={"Username": "maya", "Password": f"wrong-horse-{number}"},
                press="Sign in",
            )
            assert tab.component_data("trail_redirect") is None


def refusals(server: Running, sid: str) -> Counter[str]:
    """Return the count of each logged refusal for maya, from the CSV download."""
    answer = httpx2.get(f"{server.url}/export.access.csv", cookies={COOKIE: sid}, timeout=30)
    assert answer.status_code == 200
    result: Counter[str] = Counter()
    for row in csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))):
        if row["kind"] == "sign_in_refused" and row["username"] == "maya":
            assert row["address"] == "127.0.0.1"
            result[row["what"]] += int(row["times"])
    return result


def test_only_ten_of_hundreds_of_wrong_passwords_are_checked(
    start_server: Callable[..., Running],
) -> None:
    server = start_server(TRAIL_LIMITS__ANONYMOUS_FRAMES_PER_SECOND="1000")
    threads = [threading.Thread(target=guess, args=(server, TRIES // TABS)) for _ in range(TABS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sid = server.sign_in("maya", source=OTHER_ADDRESS)
    result = refusals(server, sid)
    assert result == {"wrong password": PAIR, "too many attempts": TRIES - PAIR}
    # Even the correct password is not checked from there, also after a restart.
    guess_right(server)
    server = start_server(restarted=server)
    guess_right(server)
    assert server.sign_in("maya", source=OTHER_ADDRESS)
    assert refusals(server, sid)["wrong password"] == PAIR  # the session survived the restart


def guess_right(server: Running) -> None:
    with server.http() as client, server.tab(visit=client.cookies[VISIT_COOKIE]) as tab:
        tab.run(page="probe")
        tab.run(page="probe", typed={"Username": "maya", "Password": PASSWORD}, press="Sign in")
        assert "Too many attempts. Try again in 1" in tab.text
        assert tab.component_data("trail_redirect") is None
