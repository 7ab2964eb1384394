"""The registry finds one constant in each module of a package."""

from pathlib import Path

import pytest

from trail.core.registry import discover


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"found_{tmp_path.name.replace('-', '_')}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "b.py").write_text("THING = 2\n")
    (folder / "a.py").write_text("THING = 1\n")
    (folder / "_hidden.py").write_text("raise RuntimeError\n")
    (folder / "notes.txt").write_text("not a module\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_constants_are_ordered_by_module_name(package: str) -> None:
    assert list(discover(package, "THING").items()) == [("a", 1), ("b", 2)]


def test_the_error_names_a_module_without_the_constant(package: str) -> None:
    with pytest.raises(LookupError, match=f"^{package}/a.py defines no PAGE$"):
        discover(package, "PAGE")


def test_a_missing_package_is_an_error(package: str) -> None:
    with pytest.raises(ModuleNotFoundError):
        discover(f"{package}_not", "THING")
