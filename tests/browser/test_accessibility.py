"""Every page in light and dark by axe-core, and its layout from a phone to a wide screen."""

from collections.abc import Callable
from typing import Any

import pytest
import streamlit as st
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT
from tests.browser.locators import open_row, settle
from ui.page import discover_pages

pytestmark = pytest.mark.browser

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# Pages in the states in which they show most.
STATES = {
    "explore": (
        "?from=30d",
        "?from=30d&outcome=failure&actor_type=-token&category=Warehouses&q=warehouse",
    ),
    "alerts": ("?section=rules&edit=new", "?section=destinations", "?section=log"),
    "admin": tuple(
        f"?section={name}"
        for name in (
            "sources",
            "coverage",
            "batches",
            "quarantine",
            "types",
            "retention",
            "seals",
            "users",
        )
    ),
}
ADDRESSES = [
    f"/{page.path}{state}"
    for name, page in discover_pages().items()
    for state in STATES.get(name, ("?from=30d",))
]
WIDTHS = (1920, 1440, 800, 390)
# Where the chart of Explore starts at most, in px from the top of the window: without chips, and
# with three of them.
CHART_TOP = {1920: (190, 190), 1440: (190, 190), 800: (250, 290), 390: (300, 390)}
# The rules whose answer depends on the color scheme.
COLOR_RULES = "{runOnly: ['color-contrast', 'link-in-text-block'], resultTypes: ['violations']}"
HEAD_CONTROLS = ", ".join(
    f".st-key-{part} :is(button, a, input)"
    for part in ("title-lead", "title-controls", "filter-bar", "result-bar")
)


def _violations(page: Page, options: str = "{resultTypes: ['violations']}") -> list[str]:
    """Return the serious and critical violations of the page, each with its first element.

    Only those that stay: elements are pale while the page runs again, such as after a new event.
    """
    if found := _violations_now(page, options):
        page.wait_for_timeout(1000)
        settle(page)
        found = _violations_now(page, options)
    return found


def _violations_now(page: Page, options: str) -> list[str]:
    # A panel that fades in has the colors of its background on the way.
    page.evaluate("Promise.allSettled(document.getAnimations().map(one => one.finished))")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(
        f"axe.run(document, {options}).then(result => result.violations)"
    )
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:200]} {node['failureSummary'][:300]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"][:3]
    ]


def _check_layout(page: Page) -> None:
    """Fail if the page scrolls sideways at any width, or its head is high or out of line."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(50)
        place = page.url, width
        wider = "document.scrollingElement.scrollWidth - innerWidth"
        assert page.evaluate(wider) <= 0, place
        head = page.locator(".st-key-filter-bar, .st-key-title").last
        if width >= 1440 and head.count():
            box = head.bounding_box()
            assert box and box["y"] + box["height"] <= 140, place
        chart = page.locator(".st-key-histogram")
        if chart.count():
            box = chart.bounding_box()
            limit = CHART_TOP[width][page.locator(".chip").count() > 0]
            assert box and box["y"] <= limit, (*place, box)
        controls = page.locator(HEAD_CONTROLS).evaluate_all(
            """nodes => nodes.filter(node => node.checkVisibility()).map(node => {
                const {left, right, top, bottom} = node.getBoundingClientRect();
                return {name: node.ariaLabel || node.textContent, left, right, top, bottom};
            })"""
        )
        assert len(controls) >= 3 or not chart.count(), place
        for one in controls:
            assert one["left"] >= 0 and one["right"] <= width, (*place, one)
            assert min(one["right"] - one["left"], one["bottom"] - one["top"]) >= 24, (*place, one)
            for other in controls:
                shared = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
                shift = one["top"] + one["bottom"] - other["top"] - other["bottom"]
                assert shared <= 0 or abs(shift) / 2 <= 1, (*place, one, other)


def _change_scheme(page: Page) -> None:
    """Let the system change between light and dark, and wait until the page has its colors."""
    dark = not page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    page.emulate_media(color_scheme="dark" if dark else "light")
    # A rule of the stylesheet that the server writes for the mode of the reader.
    text_color = st.get_option(f"theme.{'dark' if dark else 'light'}.grayColor")
    page.wait_for_function(
        "rule => [...document.querySelectorAll('style')].some(one => one.innerHTML.includes(rule))",
        arg=f"color: {text_color}",
    )
    settle(page)


def test_no_page_has_a_serious_violation_or_scrolls_sideways(visit: Callable[..., Page]) -> None:
    page = visit("/")
    root = page.url.rstrip("/")
    problems, said = {}, list[str]()
    # What the browser refuses or misses while it loads a page.
    page.on(
        "console", lambda m: said.append(f"{page.url}: {m.text}") if m.type == "error" else None
    )
    for address in ADDRESSES:
        page.set_viewport_size({"width": 1440, "height": 1000})
        page.goto(root + address)
        expect(page.locator("h1").first).to_be_visible()
        settle(page)
        # Each page is loaded in one scheme and changes to the other, every second one from dark.
        first = _violations(page)
        _change_scheme(page)
        if found := first + _violations(page, COLOR_RULES):
            problems[address] = found
        _check_layout(page)
    assert not problems
    assert not said


def test_open_panel_and_menus_have_no_serious_violation(visit: Callable[..., Page]) -> None:
    page = visit("/explore?from=30d")
    open_row(page, 3)
    expect(page.locator(".sentence")).to_be_visible()
    settle(page)
    assert not _violations(page)
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("ta")
    expect(page.get_by_role("option").first).to_be_visible()
    assert not _violations(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="More time ranges").click()
    assert not _violations(page)
