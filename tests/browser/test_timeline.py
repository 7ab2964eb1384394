"""The Timeline page: lanes, brush, week heat map, annotations, days of a clock change."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import HOSTILE
from tests.browser.locators import arrive, total, url_query

pytestmark = pytest.mark.browser


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    opened = visit("/timeline?from=30d")
    expect(opened.locator(".lane").first).to_be_visible()
    return opened


def test_lane_point_opens_its_events(page: Page) -> None:
    track = page.locator(".lane .track").first
    track.scroll_into_view_if_needed()
    track.focus()
    page.keyboard.press("End")
    tip = page.locator(".lane-tip")
    expect(tip).to_be_visible()
    lane = track.bounding_box()
    assert lane
    # The tip is centered at the mark in a share of the lane that the script sets.
    at = float(tip.evaluate("node => node.style.getPropertyValue('--at')"))
    page.mouse.click(lane["x"] + lane["width"] * at, lane["y"] + lane["height"] / 2)
    arrive(page, "Explore")
    assert len(url_query(page)["category"]) == 1
    expect(page.locator(".chip")).to_have_count(1)
    assert total(page) > 0


def test_lanes_by_actor_survive_a_reload(page: Page) -> None:
    page.get_by_role("radio", name="Actors").click()
    page.wait_for_url("**by=actor**")
    page.reload()
    expect(page.get_by_role("radio", name="Actors")).to_be_checked()
    page.go_back()
    expect(page.get_by_role("radio", name="Categories")).to_be_checked()


def test_brush_sets_the_time_range(page: Page) -> None:
    box = page.get_by_role("slider", name="Events over time by category").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 90, steps=6)
    page.mouse.up()
    page.wait_for_url("**from=20**")
    assert "to" in url_query(page)


def test_week_cell_opens_its_latest_events(page: Page) -> None:
    expect(page.get_by_text("Expected (median and middle half of the last")).to_be_visible()
    expect(page.get_by_text("So far: ").or_(page.get_by_text("No data since"))).to_be_visible()
    chart = page.get_by_role("slider", name="Events over time by category")
    chart.press("End")
    expect(chart).to_have_attribute("aria-valuetext", re.compile(r"events, expected [\d,.]+ to "))
    expect(page.locator(".week-cell").first).to_have_attribute(
        "aria-label", re.compile(r"^[\d.]+ per \w+day 00:00, \d \w+days?$")
    )
    page.locator(".week-cell:not([disabled])").first.click()
    arrive(page, "Explore")
    assert total(page) > 0


def test_annotations_are_imported_drawn_as_text_and_removed(page: Page) -> None:
    page.get_by_role("radio", name="Targets").click()
    page.wait_for_url("**by=target**")
    if page.get_by_role("button", name="Show more", exact=True).is_visible():
        page.get_by_role("button", name="Show more", exact=True).click()
        page.wait_for_url("**top=more**")
    page.get_by_text("Annotations, such as deployments and freezes").click()
    box = page.get_by_role("textbox", name="CSV: time,label or time,until,label")
    label = HOSTILE.replace(chr(34), chr(39))
    box.fill(f'time,label\nyesterday,"{label}"')
    page.get_by_role("button", name="Import annotations").click()
    expect(page.get_by_text("invalid time")).to_be_visible()
    assert label in box.input_value()
    yesterday = dt.date.today() - dt.timedelta(days=1)
    box.fill(f'time,label\n2026-01-01,old\n{yesterday},"{label}"')
    page.get_by_role("button", name="Import annotations").click()
    expect(page.get_by_text("2 annotations added")).to_be_visible()
    note = page.get_by_text(re.compile("┊ .*<img src=x onerror"))
    expect(note).to_be_visible()
    expect(box).to_have_value("")
    assert page.title().startswith("Timeline")
    page.get_by_role("button", name="Remove all annotations").click()
    expect(note).to_have_count(0)


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        ("Europe/London", "2026-10-24T23:00Z", "2026-10-27T00:00Z"),
        ("America/New_York", "2026-11-01T04:00Z", "2026-11-03T05:00Z"),
    ],
)
def test_day_on_which_clocks_go_back_has_25_hours(
    visit: Callable[..., Page], zone: str, start: str, end: str
) -> None:
    """Two local days, the first one an hour longer: 49 hourly bars that add up to the total."""
    page = visit(f"/timeline?from={start}&to={end}&tz={zone}&grain=1h")
    chart = page.get_by_role("slider", name="Events over time by category")
    expect(chart).to_have_attribute("aria-valuemax", "48")
    chart.press("Home")
    chart.press("Shift+End")
    counts = page.locator(".tip-row .count").all_inner_texts()
    assert sum(int(count.replace(",", "")) for count in counts) == total(page)
