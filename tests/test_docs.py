"""The documentation matches the program."""

import re
import tomllib
from pathlib import Path

import pytest

from docs import api, commands, files, roles, routes, search, settings
from trail.cli.main import discover
from trail.storage import search_help, search_syntax

ROOT = Path(__file__).parents[1]


def test_settings_page_matches_the_settings() -> None:
    """`python -m docs.settings` generates the page."""
    assert settings.PAGE.read_text() == settings.text()
    assert "None |" not in settings.text(), "a setting lacks its description"


def test_files_page_matches_the_list_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m docs.files` generates the page."""
    monkeypatch.delenv("TRAIL_CONFIG", raising=False)
    monkeypatch.chdir(ROOT)
    assert files.PAGE.read_text() == files.text()


def test_commands_page_is_generated_from_the_parser() -> None:
    assert commands.PAGE.read_text() == commands.text(), "run `make docs`"


def test_roles_page_is_generated_from_the_permissions() -> None:
    assert roles.PAGE.read_text() == roles.text(), "run `make docs`"


def test_routes_page_is_generated_from_the_routes() -> None:
    """Every route has a purpose."""
    assert routes.PAGE.read_text() == routes.text(), "run `make docs`"
    assert "|  |" not in routes.text()


def test_api_page_is_generated_from_the_openapi_document() -> None:
    """`python -m docs.api` generates the page."""
    assert api.PAGE.read_text() == api.text(), "run `make docs`"


def test_search_page_is_generated_from_the_language() -> None:
    """`python -m docs.search` generates the page."""
    assert search.PAGE.read_text() == search.text()
    assert set(search_help.FIELDS) == set(search_syntax.FIELDS)


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    """Pages that nothing links to are not published by accident."""
    site = tomllib.loads((ROOT / "zensical.toml").read_text())
    listed = set(re.findall(r"'([\w/-]+\.md)'", str(site["project"]["nav"])))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert listed == pages, "list every page under nav in zensical.toml"


def test_readme_is_at_most_120_lines() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_readme_names_the_two_commands_first() -> None:
    """The first two commands start the product and run its tests."""
    lines = (ROOT / "README.md").read_text().splitlines()
    commands = [line.split("#")[0].strip() for line in lines if line.startswith("    ")]
    assert commands[:2] == ["make run", "make test"]


def test_readme_shows_commands_that_exist() -> None:
    """Each `python -m trail` line names a command of the parser."""
    text = (ROOT / "README.md").read_text()
    shown = re.findall(r"^    python -m trail (.*)$", text, re.MULTILINE)
    assert len(shown) > 5
    for line in shown:
        name = line.split()[0]
        assert name in discover()


def test_readme_pictures_exist_and_are_small() -> None:
    """Large files would make a clone slow."""
    for name in re.findall(r"\((docs/img/[^)]+)\)", (ROOT / "README.md").read_text()):
        file = ROOT / name
        assert file.exists(), f"{name}: run `make shots`"
        assert file.stat().st_size < 400_000


def test_security_page_links_to_existing_files() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    linked = re.findall(r"\]\(([^)]+)\)", text)
    named = re.findall(r"`((?:trail|loaders)/[\w./]*|[\w-]+\.(?:lock|txt))`", text)
    assert len(linked) > 2
    assert len(named) > 10
    for name in (*linked, *named):
        assert (ROOT / name).exists(), name


def test_every_decision_is_listed() -> None:
    """The index lists each decision record."""
    listed = (ROOT / "docs/adr/README.md").read_text()
    for file in (ROOT / "docs/adr").glob("0*.md"):
        assert file.name in listed
