"""The first run, in the browser alone: from an empty folder to a connected workspace, a Slack alert
and a second user, without a shell or a restart."""

import datetime as dt
import re
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import PASSWORD, VIEWPORT, serving
from tests.receiver import Receiver
from tests.segment_api_server import TOKEN, SegmentApi
from tests.segment_records import api_event

pytestmark = pytest.mark.browser

MOST_ACTIONS, MOST_SECONDS = 25, 180


class Hand:
    """Whoever uses the browser: counts each address, each field that is filled in, each press."""

    def __init__(self) -> None:
        self.actions = 0

    def open(self, browser: Browser, address: str) -> Page:
        self.actions += 1
        page = browser.new_context(viewport=VIEWPORT).new_page()
        page.goto(address)
        return page

    def fill(self, place: Locator, text: str) -> None:
        self.actions += 1
        place.fill(text)

    def press(self, place: Locator) -> None:
        self.actions += 1
        place.click()

    def sign_in(self, page: Page, username: str, password: str) -> None:
        self.fill(page.get_by_role("textbox", name="Username"), username)
        self.fill(page.get_by_role("textbox", name="Password"), password)
        self.press(page.get_by_role("button", name="Sign in"))


def event(number: int, ago: dt.timedelta, **fields: Any) -> dict[str, Any]:
    at = (dt.datetime.now(dt.UTC) - ago).isoformat(timespec="milliseconds")
    return {**api_event(number, **fields), "timestamp": at.replace("+00:00", "Z")}


def test_from_an_empty_folder_to_an_alert_and_a_second_user(
    tmp_path: Path, browser: Browser
) -> None:
    hand, began = Hand(), time.monotonic()
    history = [event(number, dt.timedelta(days=number)) for number in range(1, 30)]
    with (
        SegmentApi(history) as api,
        Receiver() as slack,
        serving(
            tmp_path,
            TRAIL_SEGMENT__URL=api.url,
            TRAIL_SEGMENT__EVERY_MINUTES="0.05",
            TRAIL_FORWARD__ALLOW_LOOPBACK="true",
        ) as site,
    ):
        # Shown once, in the terminal in which the server was started.
        printed = re.search(r"with the password: +(\S+)", (tmp_path / "server.log").read_text())
        assert printed
        page = hand.open(browser, site.url)
        hand.sign_in(page, "owner", printed[1])
        hand.press(page.get_by_role("link", name="Set up this workspace"))

        hand.fill(page.get_by_role("textbox", name="Token"), TOKEN)
        hand.press(page.get_by_role("button", name="Connect", exact=True))
        expect(page.get_by_text("29 events stored")).to_be_visible()
        expect(page.get_by_text("via polling").first).to_be_visible()
        hand.press(page.get_by_role("button", name="Next: alerts"))

        hand.press(page.get_by_role("button", name="Tracking plan changed"))
        hand.fill(page.get_by_role("textbox", name="Name", exact=True).nth(1), "Security channel")
        hand.fill(page.get_by_role("textbox", name="Webhook URL"), f"{slack.url}/services/T0/B0/x")
        hand.press(page.get_by_role("button", name="Add destination"))
        hand.press(page.get_by_role("button", name="Save rule"))
        expect(page.get_by_text("1 of 1 rule on")).to_be_visible()
        hand.press(page.get_by_role("button", name="Next: colleagues"))

        hand.fill(page.get_by_role("textbox", name="Username"), "rita")
        hand.press(page.get_by_role("button", name="Create invitation link"))
        link = page.get_by_text(f"{site.url}/auth/invitation#").first.inner_text()
        expect(page.get_by_text("Owner account")).to_be_hidden()

        guest = hand.open(browser, link)
        for place in guest.locator("input[type=password]").all():
            hand.fill(place, PASSWORD)
        hand.press(guest.get_by_role("button", name="Set password"))
        hand.press(guest.get_by_role("link", name="Sign in"))
        hand.sign_in(guest, "rita", PASSWORD)
        expect(guest.locator(".trail-summary").first).to_be_visible()

        changed = event(99, dt.timedelta(), type="Tracking Plan Modified")
        api.events.append(changed | {"resourceType": "Tracking Plans", "resourceName": "Web"})
        deadline = time.monotonic() + 30
        while not slack.taken and time.monotonic() < deadline:
            page.wait_for_timeout(100)
        assert "Web" in slack.taken[0].body.decode()
    print(f"\n  {hand.actions} actions, {time.monotonic() - began:.0f} s")
    assert hand.actions <= MOST_ACTIONS
    assert time.monotonic() - began <= MOST_SECONDS
