"""Seals on Admin: verification, a problem with its remedy, and its acceptance with a reason."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from trail.integrity import key_file, standalone_verifier

pytestmark = pytest.mark.browser


@pytest.fixture
def seal_file(site: Site) -> Iterator[Callable[[str], Path]]:
    """Return a function that gives the path of a seal file; the mirror is restored afterwards."""
    site.command("seal")
    path = Path(site.environment["TRAIL_STORE__PATH"])
    mirror = path.with_name(f"{path.stem}.seals.ndjson")
    before = mirror.read_bytes()
    yield lambda ending: path.with_name(f"{path.stem}.{ending}")
    mirror.write_bytes(before)


@pytest.fixture
def page(visit: Callable[..., Page], site: Site, seal_file: Callable[[str], Path]) -> Page:
    opened = visit("/explore")
    opened.goto(f"{site.url}/admin?section=seals")
    expect(opened.get_by_role("heading", name="Seals of closed days")).to_be_visible()
    return opened


def test_verify_and_accept_a_problem(
    page: Page, site: Site, seal_file: Callable[[str], Path]
) -> None:
    page.get_by_role("button", name="Verify now").click()
    expect(
        page.get_by_text(re.compile(r"✓ Unchanged\. .+ sealed \w+ \d+ \w+ \d{4} to"))
    ).to_be_visible()
    expect(page.get_by_text("Problems and remedies")).to_have_count(0)
    mark = key_file.fingerprint(key_file.public(seal_file("seals.key")))
    expect(page.get_by_text(mark)).to_be_visible()

    mirror = seal_file("seals.ndjson")
    mirror.write_bytes(b"".join(mirror.read_bytes().splitlines(keepends=True)[1:]))
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_text("Lines of the mirror missing: 1.")).to_be_visible()
    expect(page.get_by_text("Restore it from a copy, then verify.")).to_be_visible()

    page.get_by_role("textbox", name="Reason").fill("Cut by a test")
    page.get_by_role("button", name="Accept and seal").click()
    expect(page.get_by_text("The problems are not confirmed as reviewed.")).to_be_visible()
    page.get_by_text("I have reviewed 1 problem").click()
    page.get_by_role("button", name="Accept and seal").click()
    expect(page.get_by_text("✓ Unchanged. ")).to_be_visible()
    log = page.request.get(f"{site.url}/export.access.csv").text()
    assert re.search(r",accepted,maya,owner,.*,0 days,Cut by a test", log)
    assert ",verified,maya,owner," in log


def test_evidence_pack_from_sign_off_and_explore(page: Page, site: Site, tmp_path: Path) -> None:
    page.goto(f"{site.url}/unusual?from=7d&section=signed")
    expect(page.get_by_role("heading", name="Evidence for an auditor")).to_be_visible()
    taken = []
    for place in ("sign-off", "explore"):
        if place == "explore":
            page.goto(f"{site.url}/explore?from=7d")
            page.get_by_role("button", name="more_horiz").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="Evidence pack").first.click()
        path = tmp_path / f"{place}.zip"
        download.value.save_as(path)
        assert re.fullmatch(
            r"evidence_[\d-]+_[\d-]+_Europe-Oslo\.zip", download.value.suggested_filename
        )
        taken.append(path)
    for path in taken:
        done = subprocess.run(
            [sys.executable, "-I", standalone_verifier.__file__, str(path)],
            capture_output=True,
            check=False,
            text=True,
        )
        assert done.returncode == 0, done.stdout


def test_managers_cannot_download_evidence(visit: Callable[..., Page], site: Site) -> None:
    page = visit("/explore?from=7d", "jon")
    page.get_by_role("button", name="more_horiz").click()
    expect(page.get_by_role("link", name="NDJSON")).to_be_visible()
    expect(page.get_by_role("link", name="Evidence pack")).to_have_count(0)
    assert page.request.get(f"{site.url}/export.evidence.zip").status == 403
