"""The main job, as its three readers do it: look, narrow, open, share, download."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import HOSTILE, Site
from tests.browser.locators import facet, open_row, summary, summary_text, tile, total

pytestmark = pytest.mark.browser


def query(page: Page) -> dict[str, list[str]]:
    """Return the address's query."""
    return parse_qs(urlsplit(page.url).query)


def pick(page: Page, group: str, place: int = 0) -> str:
    """Press a value of a facet; return its name once the page has followed."""
    row = facet(page, group).locator(".row").nth(place)
    name = row.locator(".name").inner_text()
    before = page.url
    row.click()
    page.wait_for_function("url => window.location.href !== url", arg=before)
    return name


def test_filter_by_category_action_and_actor_then_exclude(visit: Callable[..., Page]) -> None:
    """Each facet narrows; a second press leaves the value out; the third lets it go."""
    page = visit("/explore?from=30d")
    everything = total(page)
    category = pick(page, "Category")
    expect(page.locator(".chip")).to_have_count(1)
    narrowed = total(page)
    assert 0 < narrowed < everything
    assert query(page)["category"] == [category]
    pick(page, "Action")
    expect(page.locator(".chip")).to_have_count(2)
    pick(page, "Actor")
    expect(page.locator(".chip")).to_have_count(3)
    assert 0 < total(page) <= narrowed
    page.get_by_role("button", name="Clear all", exact=True).click()
    expect(page.locator(".chip")).to_have_count(0)

    pick(page, "Category")
    name = pick(page, "Category", _place(page, category))
    expect(page.locator(".chip.excluded")).to_have_count(1)
    assert query(page)["category"] == [f"-{name}"]
    expect(summary(page)).to_contain_text(f"{everything - narrowed:,} of")


def _place(page: Page, name: str) -> int:
    return facet(page, "Category").locator(".row .name").all_inner_texts().index(name)


def test_back_and_reload_keep_what_is_shown(visit: Callable[..., Page]) -> None:
    """The address holds the state: Back undoes a filter, a reload keeps one."""
    page = visit("/explore?from=30d")
    before = summary_text(page)
    pick(page, "Category")
    expect(page.locator(".chip")).to_have_count(1)
    after = summary_text(page)
    page.reload()
    expect(page.locator(".chip")).to_have_count(1)
    assert summary_text(page) == after
    page.go_back()
    expect(page.locator(".chip")).to_have_count(0)
    assert summary_text(page) == before


def test_brush_sets_the_range(visit: Callable[..., Page]) -> None:
    """Dragging over some bars keeps only their time, in the address and in the numbers."""
    page = visit("/explore?from=30d")
    before = total(page)
    plot = page.locator(".js-plotly-plot .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 40, steps=8)
    page.mouse.up()
    page.wait_for_url(re.compile(r"[?&]to="))
    expect(page.get_by_text("Custom", exact=True)).to_be_visible()
    assert 0 < total(page) < before
    assert query(page)["from"][0].endswith("Z")


def test_a_row_opens_and_its_link_shows_the_same_to_somebody_else(
    visit: Callable[..., Page],
) -> None:
    """One event in detail; the copied address opens it after another person's sign-in."""
    page = visit("/explore?from=30d&category=Source")
    open_row(page, 3)
    heading = page.locator(".root h2, .root .sentence").first
    expect(heading).to_be_visible()
    page.wait_for_url(re.compile(r"[?&]event="))
    said, count = heading.inner_text(), summary_text(page)
    address = urlsplit(page.url)

    other = visit(f"{address.path}?{address.query}", username="jon")
    expect(other.locator(".root h2, .root .sentence").first).to_have_text(said)
    assert summary_text(other) == count
    other.keyboard.press("Escape")


def test_csv_of_exactly_what_is_filtered(
    visit: Callable[..., Page], site: Site, tmp_path: Path
) -> None:
    """The download is, byte for byte, what the same filter gives from the database."""
    page = visit("/explore?from=30d&kind=modify&actor_type=-system&tz=America/New_York")
    rows = total(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    file = tmp_path / "page.csv"
    download.value.save_as(file)
    assert "America-New_York" in download.value.suggested_filename
    with file.open(newline="") as lines:
        read = list(csv.reader(lines))
    assert "occurred_at (America/New_York)" in read[0]
    assert len(read) - 1 == rows > 0

    site.command(
        "export",
        "--out",
        str(tmp_path / "database.csv"),
        "--query",
        "from=30d&kind=modify&actor_type=-system&tz=America/New_York",
    )
    assert (tmp_path / "database.csv").read_bytes() == file.read_bytes()


def test_hostile_names_are_only_text(visit: Callable[..., Page], site: Site) -> None:
    """Markup in a name is shown, never run, and loads nothing from elsewhere."""
    asked: list[str] = []
    page = visit("/explore?from=24h&q=id:hostile-1")
    page.on("request", lambda request: asked.append(request.url))
    open_row(page, 1)
    expect(page.locator(".root").filter(has_text="<img src=x").first).to_be_visible()
    page.goto(f"{site.url}/?from=24h")
    expect(page.get_by_text("<img src=x").first).to_be_visible()
    assert page.title() != "1"
    assert page.locator('img[src="x"]').count() == 0
    assert all(url.startswith((site.url, "data:", "blob:")) for url in asked)
    assert HOSTILE[:10] in page.content() or page.get_by_text("<img src=x").count()


def test_zone_changes_every_time_on_the_page(visit: Callable[..., Page]) -> None:
    """The zone of the address is named with the window."""
    page = visit("/explore?from=2026-10-24&to=2026-10-27&tz=Europe/London")
    expect(page.locator(".trail-window")).to_contain_text("Europe/London")
    page.goto(page.url.replace("Europe%2FLondon", "UTC").replace("Europe/London", "UTC"))
    expect(page.locator(".trail-window")).to_contain_text("UTC (UTC)")


def test_overview_numbers_lead_to_explore(visit: Callable[..., Page]) -> None:
    """A tile is a link to its own events: the number is the same there."""
    page = visit("/?from=30d", "jon")  # a manager, who has no findings to look at
    destructive = tile(page, "Destructive changes")
    number = destructive.locator(".value").inner_text()
    destructive.click()
    page.wait_for_url(re.compile("/explore"))
    expect(page.get_by_role("heading", name="Explore")).to_be_visible()
    expect(summary(page)).to_contain_text(f"{number} of")
    assert query(page)["kind"] == ["delete", "disable", "disconnect"]


def test_nothing_found_says_why_and_offers_a_way_out(visit: Callable[..., Page]) -> None:
    """An empty answer is a calm sentence with a button, not an empty table."""
    page = visit("/explore?q=nothing-is-called-this")
    expect(page.get_by_text("No events match these filters in this window.")).to_be_visible()
    page.get_by_role("button", name="Clear all filters").click()
    expect(page.locator('[data-testid="stDataFrame"]').first).to_be_visible()


def test_an_address_that_cannot_be_read_is_explained(
    visit: Callable[..., Page], site: Site
) -> None:
    """A broken link gets one sentence that names what is wrong."""
    page = visit("/explore")
    page.goto(f"{site.url}/explore?from=yesterday")
    expect(page.get_by_text("Time 'yesterday' is not understood.")).to_be_visible()


def test_roles_see_their_pages(visit: Callable[..., Page]) -> None:
    """A manager has no Connect page in the menu, and its address says why."""
    page = visit("/explore", username="jon")
    expect(page.get_by_role("link", name="Connect", exact=True)).to_have_count(0)


def test_sign_out_ends_the_other_tab_too(visit: Callable[..., Page], site: Site) -> None:
    """After signing out in one tab, the other one draws nothing more."""
    page = visit("/explore")
    second = page.context.new_page()
    second.broken = []  # type: ignore[attr-defined]
    second.goto(f"{site.url}/explore")
    expect(summary(second)).to_be_visible()
    page.goto(f"{site.url}/account")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    second.locator(".row").first.click()
    expect(second.get_by_role("heading", name="Sign in")).to_be_visible()


def test_what_needs_somebody_leads_to_its_events(visit: Callable[..., Page]) -> None:
    """A row of "Needs attention" opens its events in Explore."""
    page = visit("/?from=30d")
    page.locator(".needs .row").first.click()
    page.wait_for_url(re.compile("/explore"))
    expect(page.get_by_role("heading", name="Explore")).to_be_visible()
    assert total(page) > 0
