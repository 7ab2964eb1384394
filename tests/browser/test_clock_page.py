"""An implausible clock on Overview and Admin, and its confirmation by an owner."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests import shifted_clock
from tests.browser.conftest import PASSWORD, ROOT, serving
from tests.trail.random_trail import event
from trail.accounts.users import Users
from trail.core.clock import utc_now

pytestmark = pytest.mark.browser

AHEAD = dt.timedelta(days=200)
STOPPED = "Retention and sealing have stopped"


def test_an_owner_confirms_the_clock(browser: Browser, tmp_path: Path) -> None:
    Users(tmp_path / "users.yaml").add("maya", "Maya", "maya@example.com", "owner", PASSWORD)
    (tmp_path / "in.ndjson").write_text(f"{event('e1', utc_now())}\n")
    environment = {"TRAIL_STORE__PATH": str(tmp_path / "trail.duckdb")}
    subprocess.run(
        [sys.executable, "-m", "trail", "load", str(tmp_path / "in.ndjson")],
        cwd=ROOT,
        env=os.environ | environment | {"TRAIL_CONFIG": str(tmp_path / "trail.toml")},
        check=True,
        capture_output=True,
    )
    moved = shifted_clock.environment(
        shifted_clock.build(tmp_path), dt.datetime.now(dt.UTC) + AHEAD
    )
    with serving(tmp_path, **moved) as site:
        page = browser.new_context().new_page()
        page.goto(f"{site.url}/overview")
        page.get_by_role("textbox", name="Username").fill("maya")
        page.get_by_role("textbox", name="Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text(STOPPED)).to_be_visible()
        page.goto(f"{site.url}/admin?section=retention")
        expect(page.get_by_text(STOPPED)).to_contain_text(f"{utc_now() + AHEAD:%Y-%m-%d}")
        expect(page.get_by_role("button", name="Confirm the clock")).to_be_disabled()
        page.get_by_text("I have compared the clock with another one").click()
        page.get_by_role("button", name="Confirm the clock").click()
        expect(page.get_by_text("The clock is confirmed.")).to_be_visible()
        expect(page.get_by_text(STOPPED)).to_have_count(0)
        log = page.request.get(f"{site.url}/export.access.csv").text()
        assert ",clock_confirmed,maya,owner," in log
        page.context.close()
