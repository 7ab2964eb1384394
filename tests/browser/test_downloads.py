"""The CSV download contains as many events as its tooltip says, on pages without an event table."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("path", ["/timeline?from=30d", "/people?from=30d"])
def test_file_has_as_many_events_as_the_tooltip_says(
    visit: Callable[..., Page], path: str, tmp_path: Path
) -> None:
    page = visit(path)
    link = page.get_by_role("link", name=re.compile("CSV$"))
    link.hover()
    tooltip = page.get_by_text(re.compile(r"events, about")).first.inner_text()
    with page.expect_download() as download:
        link.click()
    file = tmp_path / "events.csv"
    download.value.save_as(file)
    with file.open(newline="") as lines:
        assert sum(1 for _ in csv.reader(lines)) - 1 == int(tooltip.split()[0].replace(",", ""))
