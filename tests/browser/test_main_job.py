"""The main job of the three roles: explore, filter, open an event, share it, download."""

import csv
import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Site
from tests.browser.locators import (
    facet,
    open_row,
    rows,
    settle,
    summary,
    summary_text,
    tile,
    total,
    url_query,
)

pytestmark = pytest.mark.browser

SLOW_REQUESTS = """
window.WebSocket = class extends WebSocket {
  send(data) {
    setTimeout(() => super.send(data), window.sendsLater || 0);
  }
};
"""


def pick(page: Page, title: str, position: int = 0) -> str:
    """Click a value of the facet *title*; return its name once the URL has changed."""
    row = facet(page, title).locator(".row").nth(position)
    name = row.locator(".name").inner_text()
    before = page.url
    row.click()
    page.wait_for_function("url => window.location.href !== url", arg=before)
    return name


def test_filter_by_category_action_and_actor_then_exclude(visit: Callable[..., Page]) -> None:
    """Each facet narrows the result; a double click changes nothing, and "Exclude" excludes."""
    page = visit("/explore?from=30d")
    everything = total(page)
    category = pick(page, "Category")
    expect(page.locator(".chip")).to_have_count(1)
    narrowed = total(page)
    assert 0 < narrowed < everything
    assert url_query(page)["category"] == [category]
    pick(page, "Action")
    expect(page.locator(".chip")).to_have_count(2)
    pick(page, "Actor")
    expect(page.locator(".chip")).to_have_count(3)
    assert 0 < total(page) <= narrowed
    # Disabled, the action and the actor filter nothing; a reload and enabling them bring them back.
    both = summary_text(page)
    for field in ("Action", "Actor"):
        page.get_by_role("button", name=f"Disable {field} is").click()
        settle(page)
    expect(page.locator(".chip.disabled")).to_have_count(2)
    assert total(page) == narrowed
    assert not {"action", "actor"} & {*url_query(page)}
    page.reload()
    expect(page.locator(".chip.disabled")).to_have_count(2)
    for field in ("Action", "Actor"):
        page.get_by_role("button", name=f"Enable {field} is").click()
        settle(page)
    expect(page.locator(".chip.disabled")).to_have_count(0)
    assert summary_text(page) == both
    page.get_by_role("button", name="Clear all", exact=True).click()
    expect(page.locator(".chip")).to_have_count(0)

    row = facet(page, "Category").locator(".line").nth(_position(page, category))
    row.locator(".row").dblclick()
    settle(page)
    expect(page.locator(".chip")).to_have_count(0)
    assert total(page) == everything
    row.hover()
    row.get_by_role("button", name=f"Exclude {category}", exact=True).click()
    expect(page.locator(".chip.excluded")).to_have_count(1)
    assert url_query(page)["category"] == [f"-{category}"]
    expect(summary(page)).to_contain_text(f"{everything - narrowed:,} of")


def _position(page: Page, name: str) -> int:
    return facet(page, "Category").locator(".row .name").all_inner_texts().index(name)


def test_url_restores_filters_on_back_and_reload(visit: Callable[..., Page]) -> None:
    """Back removes the last filter; a reload keeps it."""
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


def test_search_box_completes_corrects_and_answers(visit: Callable[..., Page]) -> None:
    """Keys complete a value; typed text outlives a filter; errors and questions are answered."""
    page = visit("/explore?from=30d")
    box = page.get_by_role("combobox", name="Search")
    expect(box).to_be_visible()
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.keyboard.type("kind:dis")
    expect(page.get_by_role("option", name=re.compile("kind: ?disable"))).to_be_visible()
    page.keyboard.press("Tab")
    expect(box).to_have_value("kind:disable ")
    page.keyboard.press("Escape")
    pick(page, "Category")
    expect(page.locator(".chip")).to_have_count(1)
    expect(box).to_have_value("kind:disable ")
    box.fill("target_name:x")
    box.press("Enter")
    expect(page.get_by_role("alert").locator("u")).to_have_text("target_name")
    expect(page.locator(".chip")).to_have_count(1)
    page.get_by_role("button", name="Search for").click()
    page.wait_for_url(re.compile("target%3Ax"))
    expect(box).to_have_value("target:x")  # the box shows the search, so that it has no chip
    expect(page.locator(".chip")).to_have_count(1)
    box.fill("target_name:y")
    box.press("Enter")
    expect(page.get_by_role("alert").locator("u")).to_have_text("target_name")
    expect(page.locator(".chip").last).to_have_text(re.compile("^Search target:x"))
    page.get_by_role("button", name="Clear all", exact=True).click()
    expect(page.locator(".chip")).to_have_count(0)
    expect(box).to_have_value("")
    assert url_query(page)["from"] == ["30d"]
    assert "q" not in url_query(page)
    box.fill("who edited integrations quickly last week")
    box.press("Enter")
    expect(page.locator(".chip")).to_have_text(
        [re.compile("Category is Integrations"), re.compile("Kind is modify")]
    )
    said = page.get_by_role("status").filter(has_text="Not understood: 'quickly'")
    expect(said).to_be_visible()
    expect(box).to_have_value("")
    assert url_query(page)["from"] == ["last_week_sun"]  # as weeks start in the browser

    # Two of the ten questions of an investigation; the menu leads here from any page.
    for question, wanted in (
        ("who disabled warehouses last week", ["Category is Warehouses", "Kind is disable"]),
        ("what did token terraform do yesterday", ["Actor is tok_terraform_ci"]),
    ):
        page.get_by_role("button", name="Clear all", exact=True).click()
        expect(page.locator(".chip")).to_have_count(0)
        box.fill(question)
        box.press("Enter")
        expect(page.locator(".chip")).to_have_text([re.compile(text) for text in wanted])


def test_a_linked_search_with_an_error_is_corrected_and_its_matches_are_marked(
    visit: Callable[..., Page],
) -> None:
    page = visit("/explore?from=30d&q=(prod OR zzz")
    expect(page.get_by_role("alert").locator("u")).to_have_text("(")
    expect(page.get_by_role("combobox", name="Search")).to_have_value("(prod OR zzz")
    expect(rows(page).first).to_be_visible()
    page.get_by_role("button", name="Search for").click()
    expect(page.locator("mark").first).to_have_text(re.compile("^prod$", re.IGNORECASE))
    assert url_query(page)["q"] == ["(prod OR zzz)"]


def test_brush_sets_the_time_range(visit: Callable[..., Page]) -> None:
    """Dragging over bars limits the URL and the counts to their period."""
    page = visit("/explore?from=30d")
    before = total(page)
    plot = page.get_by_role("slider", name="Events over time")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 40, steps=8)
    page.mouse.up()
    page.wait_for_url(re.compile(r"[?&]to="))
    expect(page.get_by_role("button", name=re.compile(" – .*, time range$"))).to_be_visible()
    assert 0 < total(page) < before
    assert url_query(page)["from"][0].endswith("Z")


def test_a_range_is_typed_selected_and_stepped(visit: Callable[..., Page]) -> None:
    """The preview follows the text, the calendar writes it, and its buttons are never covered."""
    page = visit("/explore?from=7d")
    for width, height in ((800, 600), (390, 700)):
        page.set_viewport_size({"width": width, "height": height})
        page.get_by_role("button", name=re.compile("ime range")).last.click()
        page.get_by_role("textbox", name="Time range").fill("3 nov 2025 - 10 nov 2025")
        expect(page.get_by_role("status").get_by_text("Mon 3 Nov 2025 00:00 –")).to_be_visible()
        page.get_by_role("gridcell", selected=True).last.scroll_into_view_if_needed()
        apply = page.get_by_role("button", name="Apply")
        box = apply.bounding_box()
        assert box
        assert 0 < box["y"] < height - box["height"]
        apply.click(trial=True)
        page.keyboard.press("Escape")
        expect(apply).to_be_hidden()
    page.set_viewport_size({"width": 1440, "height": 1000})
    page.get_by_role("button", name="More time ranges").click()
    day = page.get_by_role("gridcell", selected=True).last
    day.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Apply").click()
    yesterday = dt.datetime.now(ZoneInfo("Europe/Oslo")).date() - dt.timedelta(days=1)
    page.wait_for_url(
        f"**from={yesterday - dt.timedelta(days=1)}&to={yesterday + dt.timedelta(days=1)}**"
    )
    page.get_by_role("button", name="Next period").click()
    page.wait_for_url(f"**from={yesterday + dt.timedelta(days=1)}**")
    page.get_by_role("button", name="Previous period").click()
    page.wait_for_url(f"**from={yesterday - dt.timedelta(days=1)}**")
    page.get_by_role("button", name="Today").click()
    page.wait_for_url("**from=today**")


def test_shared_link_opens_the_same_event_for_another_user(visit: Callable[..., Page]) -> None:
    """The copied URL still opens the event after the other user has signed in."""
    page = visit("/explore?from=30d&category=Source")
    open_row(page, 3)
    heading = page.locator(".root h2, .root .sentence").first
    expect(heading).to_be_visible()
    page.wait_for_url(re.compile(r"[?&]event="))
    sentence, count = heading.inner_text(), summary_text(page)
    address = urlsplit(page.url)

    other = visit(f"{address.path}?{address.query}", username="jon", through_form=True)
    expect(other.locator(".root h2, .root .sentence").first).to_have_text(sentence)
    assert summary_text(other) == count
    other.keyboard.press("Escape")


def test_event_opens_and_closes_without_a_run_of_the_page(visit: Callable[..., Page]) -> None:
    """The table keeps its place, Back and Escape close, and a closed row opens again."""
    page = visit("/explore?from=30d")
    grid = page.get_by_role("table", name="Events")
    expect(grid).to_be_visible()
    panel = page.get_by_role("article", name="Event")
    summary_text(page)
    grid.scroll_into_view_if_needed()
    before = summary(page).inner_text(), grid.bounding_box()  # the summary has the query time

    third, fourth = (_event_of_row(page, number) for number in (3, 4))

    def wait_for(event: str) -> None:
        page.wait_for_url(lambda url: parse_qs(urlsplit(url).query).get("event") == [event])

    for _ in range(2):
        open_row(page, 3)
        expect(rows(page).nth(2)).to_have_attribute("aria-current", "true")
        expect(panel).to_be_visible()
        wait_for(third)
        page.keyboard.press("j")
        wait_for(fourth)
        expect(rows(page).nth(3)).to_have_attribute("aria-current", "true")
    page.keyboard.press("k")
    wait_for(third)
    page.keyboard.press("j")
    wait_for(fourth)
    page.keyboard.press("Escape")  # before the table has the answer to j
    expect(panel).to_have_count(0)
    assert "event" not in url_query(page)
    open_row(page, 4)
    expect(panel).to_be_visible()
    assert (summary(page).inner_text(), grid.bounding_box()) == before
    page.wait_for_url(re.compile(r"[?&]event="))
    page.go_back()
    expect(panel).to_have_count(0)
    page.go_back()
    expect(panel).to_be_visible()


def test_event_panel_finds_what_is_connected(visit: Callable[..., Page]) -> None:
    """A failed event names what changed before, its incident, and that no failure is later."""
    page = visit("/explore?from=30d&action=Warehouse+Run+Failed")
    open_row(page, 1)
    panel = page.get_by_role("article", name="Event")
    expect(panel.get_by_role("heading", name="What changed before")).to_be_visible()
    expect(panel.get_by_text("fields changed")).to_be_visible()
    expect(panel.get_by_role("tab", name="Same target")).to_be_visible()
    panel.get_by_role("button", name="Next failure").click()
    expect(panel.get_by_text("No later failure of this target")).to_be_visible()
    panel.locator(".field").filter(has_text="Incident").get_by_role("link").click()
    expect(page.locator(".st-key-incident-head")).to_be_visible()
    assert url_query(page)["incident"]


def test_csv_has_what_is_on_screen_and_equals_the_export_command(
    visit: Callable[..., Page], site: Site, tmp_path: Path
) -> None:
    """The page and the command write the same bytes for the same filter, columns and headers."""
    query = "from=30d&kind=modify&actor_type=-system&tz=America/New_York&sort=-target"
    page = visit(f"/explore?{query}")
    count = total(page)
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("CSV$")).click()
    file = tmp_path / "page.csv"
    download.value.save_as(file)
    assert "America-New_York" in download.value.suggested_filename
    with file.open(newline="", encoding="utf-8-sig") as lines:
        read = list(csv.reader(lines))
    titles = page.get_by_role("columnheader").all_inner_texts()
    assert [name.removesuffix(" (America/New_York)") for name in read[0]] == [
        title.split("\n")[0].strip() for title in titles
    ]
    target = read[0].index("Target")
    shown = page.locator(f"table tbody tr td:nth-child({target + 1})").all_inner_texts()
    rows = read[1 : len(shown) + 1]
    assert [row[target].strip() for row in rows] == [text.strip() for text in shown]
    assert len(read) - 1 == count > 0

    site.command(
        "export",
        "--out",
        str(tmp_path / "database.csv"),
        "--query",
        query,
        "--columns",
        "occurred_at,risk,action,target,actor,category,outcome",
        "--headers",
        "titles",
    )
    assert (tmp_path / "database.csv").read_bytes() == file.read_bytes()


def test_time_zone_of_the_url_is_named_with_the_window(visit: Callable[..., Page]) -> None:
    page = visit("/explore?from=2026-10-24&to=2026-10-27&tz=Europe/London")
    expect(page.locator(".trail-window")).to_contain_text("Europe/London")
    page.goto(page.url.replace("Europe%2FLondon", "UTC").replace("Europe/London", "UTC"))
    expect(page.locator(".trail-window")).to_have_text(re.compile(r"\d, UTC( ·|$)"))


def test_overview_tile_opens_the_events_that_it_counts(visit: Callable[..., Page]) -> None:
    page = visit("/?from=30d", "jon")  # managers see no findings, so this tile takes their place
    destructive = tile(page, "Destructive changes")
    number = destructive.locator(".value").inner_text()
    destructive.click()
    page.wait_for_url(re.compile("/explore"))
    expect(page.get_by_role("heading", name="Explore")).to_be_visible()
    expect(summary(page)).to_contain_text(f"{number} of")
    assert url_query(page)["kind"] == ["delete", "disable", "disconnect"]


def test_overview_remembers_what_it_counts_and_compares(visit: Callable[..., Page]) -> None:
    page = visit("/?from=24h", "jon")
    page.get_by_text("vs the day before").click()
    expect(page.locator(".trail-window")).to_contain_text("same hours the day before")
    page.get_by_text("Changes only").click()
    expect(tile(page, "Events")).to_be_visible()
    assert (url_query(page)["compare"], url_query(page)["events"]) == (["day"], ["all"])
    page.reload()
    expect(page.locator(".trail-window")).to_contain_text("same hours the day before")
    number = tile(page, "Events").locator(".value").inner_text()
    tile(page, "Events").click()
    page.wait_for_url(re.compile("/explore"))
    expect(summary(page)).to_contain_text(f"{number} of")


def test_empty_result_offers_to_clear_the_filters(visit: Callable[..., Page]) -> None:
    page = visit("/explore?q=nothing-is-called-this")
    expect(page.get_by_text("No events match these filters in this window.")).to_be_visible()
    page.get_by_role("button", name="Clear all filters").click()
    expect(rows(page).first).to_be_visible()


def test_empty_result_names_the_filter_and_the_nearest_match(visit: Callable[..., Page]) -> None:
    query = "action=Warehouses+Disabled&q=id:hostile-1&from=2020-01-01&to=2020-01-02"
    page = visit(f"/explore?{query}&outcome=failure")
    expect(page.get_by_text("No single filter is the reason")).to_be_visible()
    page.get_by_role("button", name="Without “Outcome is Failure”").click()
    page.get_by_role("button", name=re.compile("days later, ")).click()
    expect(rows(page)).to_have_count(1)
    assert url_query(page)["from"] == ["2019-12-31T23:00:00Z"]  # midnight in Oslo


def test_sign_out_ends_other_tabs(visit: Callable[..., Page], site: Site) -> None:
    page = visit("/explore")
    second = page.context.new_page()
    second.errors = []  # type: ignore[attr-defined]
    second.goto(f"{site.url}/explore")
    expect(summary(second)).to_be_visible()
    page.goto(f"{site.url}/account")
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    second.locator(".row").first.click()
    expect(second.get_by_role("heading", name="Sign in")).to_be_visible()


def test_attention_row_opens_its_place_and_has_a_menu(visit: Callable[..., Page]) -> None:
    """A row of "Needs attention" opens the place that decides; its menu assigns and mutes it."""
    page = visit("/?from=30d")
    row = page.locator(".needs > .rows .row").first
    what = row.locator(".what").inner_text()
    row.get_by_role("button", name="Actions").click()
    menu = row.get_by_role("dialog", name="Actions")
    menu.get_by_label("Assign to").select_option(index=1)
    expect(row.get_by_role("img", name="Assigned to")).to_be_visible()
    row.get_by_role("button", name="Actions").click()
    menu.get_by_role("button", name="1 hour").click()
    expect(page.locator(".needs > .rows .what").get_by_text(what, exact=True)).to_have_count(0)
    page.get_by_text("1 muted").click()
    page.get_by_role("button", name="End mute").click()
    row = page.locator(".needs > .rows .row").filter(has_text=what)
    row.locator(".what").click()
    page.wait_for_url(re.compile(r"/(failures\?incident|unusual\?finding)="))
    expect(page.get_by_role("heading", name=re.compile("Failures|Unusual")).first).to_be_visible()


def test_a_saved_view_is_shared_by_a_link_that_leads_through_the_sign_in(
    visit: Callable[..., Page],
) -> None:
    page = visit("/explore?kind=delete&from=30d")
    name = "<img src=x> **Deletions**"
    page.get_by_role("button", name="Save view").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Everyone").check()
    page.get_by_role("button", name="Save as new view").click()
    expect(page.get_by_role("button", name=f"View: {name}", exact=True)).to_be_visible()
    rows = summary_text(page)
    page.get_by_role("button", name="Share", exact=True).click()
    page.get_by_role("button", name="Create link").click()
    address = page.get_by_label("Link", exact=True)
    expect(address).to_have_value(re.compile(r"^http://127\.0\.0\.1:\d+/s/\w{12}$"))
    link = address.input_value()

    other = visit(urlsplit(link).path, "jon", through_form=True)
    expect(other.get_by_role("button", name=f"View: {name}, edited")).to_be_visible()
    assert summary_text(other) == rows
    query = url_query(other)
    assert query["kind"] == ["delete"]
    assert query["to"][0].endswith("Z")
    # The view itself has the range that it was saved with.
    other.get_by_role("button", name=f"View: {name}, edited").click()
    other.locator("button.row", has_text="Deletions").click()
    expect(other.get_by_role("button", name=f"View: {name}", exact=True)).to_be_visible()
    assert url_query(other)["from"] == ["30d"]


def width_of(header: Locator) -> float:
    box = header.bounding_box()
    assert box
    return box["width"]


def test_table_sorts_the_whole_result_and_remembers_its_columns(
    visit: Callable[..., Page],
) -> None:
    """A title sorts in the query; a value is filtered for; a column moves and is remembered."""
    page = visit("/explore?from=30d", "jon")
    titles = page.locator("thead th .title")
    expect(titles.first).to_be_visible()
    before = titles.all_inner_texts()
    page.locator("thead th button", has_text="Risk").click()
    page.wait_for_url("**sort=-risk**")
    header = page.get_by_role("columnheader", name="Risk")
    expect(header).to_have_attribute("aria-sort", "descending")
    expect(page.locator(".root[aria-busy]")).to_have_count(0)
    cells = rows(page).locator("td:nth-child(2)").all_inner_texts()
    levels = [int("".join(filter(str.isdigit, cell))) for cell in cells]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] > 6  # more than the newest 200 events have

    page.locator("thead th button", has_text="Risk").press("Shift+ArrowRight")
    expect(titles.nth(1)).to_have_text(before[2])
    page.reload()
    expect(titles.nth(1)).to_have_text(before[2])
    page.get_by_role("button", name=re.compile("of .* columns")).click()
    page.get_by_role("button", name="Reset columns").click()
    expect(titles.nth(1)).to_have_text(before[1])
    page.keyboard.press("Escape")

    # By pointer: a drag moves the column and does not sort; the grip sets its width.
    header.hover(position={"x": 20, "y": 8})
    page.mouse.down()
    following = page.locator("thead th").nth(2).bounding_box()
    assert following
    page.mouse.move(following["x"] + following["width"] / 2, following["y"] + 8, steps=4)
    expect(page.locator("th[data-drop=after]")).to_have_count(1)
    page.mouse.up()
    expect(titles.nth(1)).to_have_text(before[2])
    expect(titles.nth(2)).to_have_text("Risk")
    expect(header).to_have_attribute("aria-sort", "descending")
    width = width_of(header)
    grip = header.locator(".grip").bounding_box()
    assert grip
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    page.mouse.down()
    page.mouse.move(grip["x"] + grip["width"] / 2 + 60, grip["y"] + 4, steps=4)
    page.mouse.up()
    assert width_of(header) == pytest.approx(width + 60, abs=2)
    expect(header).to_have_attribute("aria-sort", "descending")
    header.get_by_role("button").press("+")
    assert width_of(header) == pytest.approx(width + 76, abs=2)
    page.wait_for_timeout(800)  # until the keys have rested, and the server has kept the width
    page.reload()
    expect(titles.nth(2)).to_have_text("Risk")
    assert width_of(header) == pytest.approx(width + 76, abs=2)
    page.get_by_role("button", name=re.compile("of .* columns")).click()
    page.get_by_role("button", name="Reset columns").click()
    expect(titles.nth(1)).to_have_text(before[1])

    page.keyboard.press("Escape")
    action = rows(page).first.locator(".main").inner_text()
    open_row(page, 1)
    page.wait_for_url(re.compile(r"[?&]event="))
    settle(page)
    page.get_by_role("button", name="Show Event ID as column").click()
    expect(page.get_by_role("columnheader", name="Event ID")).to_be_in_viewport()
    expect(rows(page).first.locator("td").last).to_have_text(url_query(page)["event"][0])
    page.get_by_role("button", name="Remove column Event ID").click()
    expect(titles).to_have_text(before)

    rows(page).first.get_by_role("link").focus()
    page.keyboard.press("f")
    page.get_by_role("menuitem", name=f"Filter for “{action}”").press("Enter")
    page.wait_for_url("**action=**")
    assert url_query(page)["action"] == [action]


def test_repeated_message_does_not_take_back_what_it_had_done(visit: Callable[..., Page]) -> None:
    """Over a slow connection the browser repeats a press with the URL from before it."""
    page = visit("/explore?from=30d")
    page.add_init_script(SLOW_REQUESTS)
    page.reload()
    summary_text(page)
    expect(rows(page).nth(3)).to_be_visible()
    page.evaluate("window.sendsLater = 700")  # ms; the first repeat comes after 500
    open_row(page, 3)
    page.keyboard.press("j")
    page.wait_for_timeout(3_000)  # until all answers are there: nothing more may change
    expect(rows(page).nth(3)).to_have_attribute("aria-current", "true")
    assert url_query(page)["event"] == [_event_of_row(page, 4)]
    page.close()  # with its slow requests


def test_a_run_asked_for_before_the_answer_does_not_undo_a_press(
    visit: Callable[..., Page],
) -> None:
    """It draws the URL from before the press, though the browser shows that of the press."""
    page = visit("/explore?from=30d")
    page.add_init_script(SLOW_REQUESTS)
    page.reload()
    whole = total(page)
    page.evaluate("window.sendsLater = 350")
    facet(page, "Category").locator(".row").first.click()
    page.wait_for_timeout(250)
    page.emulate_media(color_scheme="dark")  # asks for a run, with the URL of now
    page.wait_for_url("**category=**")
    page.wait_for_timeout(3_000)  # until all answers are there: nothing more may change
    assert len(url_query(page)["category"]) == 1
    expect(page.locator(".chip")).to_have_count(1)
    assert total(page) < whole
    page.close()  # with its slow requests


def _event_of_row(page: Page, number: int) -> str:
    """Return the id of the event that a row links to; the first row is 1."""
    link = rows(page).nth(number - 1).get_by_role("link").get_attribute("href")
    return parse_qs(urlsplit(str(link)).query)["event"][0]
