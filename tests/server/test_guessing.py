"""Password guessing against a real server: few attempts are verified, and the owner gets in.

The access log distinguishes attempts that were verified with bcrypt ("wrong password") from those
that were refused before ("too many tries").
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

ATTEMPTS, TABS = 1_000, 8
OTHER_ADDRESS = "127.0.0.2"


def guess(server: Running, attempts: int) -> None:
    with server.http() as client, server.tab(visit=client.cookies[VISIT_COOKIE]) as tab:
        tab.run(page="probe")
        for number in range(attempts):
            tab.run(
                page="probe",
                typed={"Username": "maya", "Password": f"wrong-horse-{number}"},
                press="Sign in",
            )
            assert tab.component_data("trail_redirect") is None


def refusals(server: Running, sid: str) -> Counter[str]:
    """Return the number of refusals of maya by reason, from the downloaded access log."""
    response = httpx2.get(f"{server.url}/export.access.csv", cookies={COOKIE: sid}, timeout=30)
    assert response.status_code == 200
    counts: Counter[str] = Counter()
    for row in csv.DictReader(io.StringIO(response.text.lstrip("\ufeff"))):
        if row["kind"] == "sign_in_refused" and row["username"] == "maya":
            assert row["address"] == "127.0.0.1"
            counts[row["what"]] += int(row["times"])
    return counts


def test_of_1000_wrong_passwords_ten_are_verified(start_server: Callable[..., Running]) -> None:
    server = start_server()
    threads = [threading.Thread(target=guess, args=(server, ATTEMPTS // TABS)) for _ in range(TABS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sid = server.sign_in("maya", source=OTHER_ADDRESS)
    assert refusals(server, sid) == {"wrong password": PAIR, "too many tries": ATTEMPTS - PAIR}
    # From that address even the right password is refused, also after a restart.
    expect_refusal_of_the_right_password(server)
    server = start_server(restarted=server)
    expect_refusal_of_the_right_password(server)
    assert server.sign_in("maya", source=OTHER_ADDRESS)
    assert refusals(server, sid)["wrong password"] == PAIR  # the session survived the restart too


def expect_refusal_of_the_right_password(server: Running) -> None:
    with server.http() as client, server.tab(visit=client.cookies[VISIT_COOKIE]) as tab:
        tab.run(page="probe")
        tab.run(page="probe", typed={"Username": "maya", "Password": PASSWORD}, press="Sign in")
        assert "Too many tries. Try again in 1" in tab.text
        assert tab.component_data("trail_redirect") is None
