"""How pages show events that are unverified or dated in the future."""

import datetime as dt
import hashlib
import hmac
import json
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PASSWORD, serving
from tests.trail.random_trail import event
from trail.accounts.users import Users
from trail.core.clock import utc_now

pytestmark = pytest.mark.browser

SECRET = "whsec-of-the-tests"


def test_flagged_events_are_counted_marked_and_listed(browser: Browser, tmp_path: Path) -> None:
    Users(tmp_path / "users.yaml").add("maya", "Maya", "maya@example.com", "owner", PASSWORD)
    now, hour = utc_now(), dt.timedelta(hours=1)
    records = [event(f"e{number}", now - number * hour) for number in range(1, 4)]
    (tmp_path / "in.ndjson").write_text(event("later", now + hour, target=("", "", "Tomorrow")))
    with serving(tmp_path, TRAIL_PUSH__WEBHOOK_SECRETS=json.dumps([SECRET])) as site:
        site.command("load", str(tmp_path / "in.ndjson"))
        signature = hmac.new(SECRET.encode(), records[0].encode(), hashlib.sha1).hexdigest()
        answer = httpx2.post(
            f"{site.url}/webhooks/segment",
            content=f"[{','.join(records)}]".encode(),
            headers={"X-Signature": signature},
        )
        assert answer.status_code == 200
        page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        page.goto(f"{site.url}/explore?from=24h")
        page.get_by_role("textbox", name="Username").fill("maya")
        page.get_by_role("textbox", name="Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".trail-summary")).to_contain_text("3 of 3 events, 2 unverified")
        page.goto(f"{site.url}/explore?from=24h&event=e2")
        expect(page.get_by_text("▲ Unverified: the signature does not cover")).to_be_visible()
        page.goto(f"{site.url}/overview?from=24h")
        expect(page.locator(".trail-summary")).to_contain_text("3 events, 2 unverified")
        page.goto(f"{site.url}/admin?section=coverage")
        expect(page.get_by_text("▲ 1 event dated more than 10 minutes")).to_be_visible()
        page.get_by_role("link", name="Show in Explore").click()
        expect(page.locator(".trail-summary")).to_contain_text("1 of 4 events, 2 unverified")
        site.command("load", str(_file(tmp_path, records)))
        page.goto(f"{site.url}/explore?from=24h")
        expect(page.locator(".trail-summary")).to_contain_text("3 of 3 events ·")
        page.context.close()


def _file(folder: Path, records: list[str]) -> Path:
    path = folder / "again.ndjson"
    path.write_text("".join(f"{record}\n" for record in records))
    return path
