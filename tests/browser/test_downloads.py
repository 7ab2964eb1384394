"""What the tip of Download CSV promises is what the file holds, whatever the page is about."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("path", ["/unusual?from=30d", "/people?from=30d"])
def test_the_file_has_as_many_events_as_the_tip_says(
    visit: Callable[..., Page], path: str, tmp_path: Path
) -> None:
    page = visit(path)
    link = page.get_by_role("link", name="Download CSV")
    link.hover()
    tip = page.get_by_text(re.compile(r"events, about")).first.inner_text()
    with page.expect_download() as got:
        link.click()
    file = tmp_path / "events.csv"
    got.value.save_as(file)
    with file.open(newline="") as lines:
        assert sum(1 for _ in csv.reader(lines)) - 1 == int(tip.split()[0].replace(",", ""))
