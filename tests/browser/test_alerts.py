"""From a filter in Explore to an alert that fires: test message, rule, delivery log."""

import datetime as dt
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.locators import arrive
from tests.receiver import Receiver

pytestmark = pytest.mark.browser


def test_rule_from_a_filter_fires_and_is_in_the_delivery_log(
    visit: Callable[..., Page], site: Site, tmp_path: Path
) -> None:
    with Receiver() as receiver:
        page = visit("/explore")
        page.goto(f"{site.url}/alerts?section=destinations")
        page.get_by_role("radio", name="Signed webhook").click()
        # Only the demo workspace has an inbox of its own.
        expect(page.get_by_role("radio", name="Demo inbox")).to_have_count(0)
        expect(page.get_by_role("combobox", name="Signing secret")).to_be_visible()
        for name, text in (("Name", "Pager"), ("URL", f"http://127.0.0.1:{receiver.port}/x")):
            page.get_by_role("textbox", name=name).fill(text)
            page.get_by_role("textbox", name=name).press("Enter")
        # Not its button to show the secret, where Streamlit would forget what was typed.
        page.locator("input[aria-label='Signing secret']").press("Tab")
        expect(page.get_by_role("checkbox", name="Also forward events")).to_be_focused()
        page.get_by_role("combobox", name="Signing secret (name of the secret)").click()
        page.get_by_role("option", name="hook").click()
        page.get_by_role("button", name="Add destination").click()
        expect(page.get_by_text("✓ On")).to_be_visible()
        page.get_by_role("button", name="Send test message").click()
        expect(page.get_by_text("Test message delivered")).to_be_visible()
        assert receiver.taken[0].json["type"] == "audit.test"

        page.goto(f"{site.url}/explore?kind=disable&from=30d")
        page.get_by_role("link", name="Create alert rule").click()
        arrive(page, "Alerts")
        expect(page.get_by_text("Back-test, last 30 days")).to_be_visible()
        expect(page.get_by_text("In words: anything is disabled")).to_be_visible()
        page.get_by_role("button", name="Save rule").click()
        expect(page.get_by_text("Anything is disabled")).to_be_visible()
        page.get_by_role("button", name="Edit", exact=True).click()
        page.get_by_role("textbox", name="Name").fill("Disabled *things*")
        page.get_by_role("textbox", name="Name").press("Enter")
        page.get_by_role("button", name="Save rule").click()
        expect(page.get_by_text("Edit rule")).to_have_count(0)
        expect(page.get_by_test_id("stText").get_by_text("Disabled *things*")).to_be_visible()

        now = dt.datetime.now(dt.UTC).isoformat()
        event = {
            "id": "disabled-just-now",
            "timestamp": now,
            "type": "Warehouses Disabled",
            "actor": "users/x",
            "resourceId": "w9",
            "resourceType": "warehouse",
            "resourceName": "Snowflake prod",
        }
        path = tmp_path / "now.ndjson"
        path.write_text(json.dumps(event) + "\n")
        began = time.monotonic()
        site.command("load", str(path))
        while not any(message.json["type"] == "audit.alert" for message in receiver.taken):
            assert time.monotonic() - began < 20
            time.sleep(0.05)
        alert = next(row for row in receiver.taken if row.json["type"] == "audit.alert")
        assert "Snowflake prod" in alert.body.decode()

        page.get_by_role("radio", name="Delivery log").click()
        expect(page.get_by_text("Newest 1 delivery.")).to_be_visible()
