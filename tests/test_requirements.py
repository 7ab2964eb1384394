"""The lock files match the requirements files, with hashes and without hosts."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = {"requirements.lock": "requirements.txt", "requirements-dev.lock": "requirements-dev.txt"}
INSTALLER = "requirements-uv.lock"
FILES = (*LOCKS, *LOCKS.values(), INSTALLER, "requirements-bench.txt", "requirements-spark.txt")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_REMEDY = "run `make lock`"


def _lines(name: str) -> list[str]:
    """Return the lines of a file without blank lines and comments; join continued lines."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.strip() and line.lstrip()[0] != "#"]


def _direct(name: str) -> list[Requirement]:
    """Return the requirements of a requirements file and of the files that it includes."""
    requirements: list[Requirement] = []
    for line in _lines(name):
        requirements += _direct(line[3:]) if line.startswith("-r ") else [Requirement(line)]
    return requirements


def _locked(name: str) -> list[tuple[Requirement, list[str]]]:
    """Return the requirements of a lock file with their hashes; fail on anything else."""
    entries = []
    for line in _lines(name):
        requirement, *hashes = re.split(r"\s+(?=--)", line)
        assert all(_HASH.fullmatch(text) for text in hashes), line
        entries.append((Requirement(requirement), hashes))
    return entries


def _versions(name: str) -> dict[str, set[str]]:
    """Return the versions of each package in a lock file; several if Python versions differ."""
    versions: dict[str, set[str]] = {}
    for requirement, _ in _locked(name):
        package = canonicalize_name(requirement.name)
        versions.setdefault(package, set()).add(str(requirement.specifier))
    return versions


@pytest.mark.parametrize("lock", LOCKS)
def test_direct_requirements_are_locked_at_their_version(lock: str) -> None:
    """Detects a requirements file that was changed without its lock file."""
    direct = _direct(LOCKS[lock])
    versions = _versions(lock)
    assert len(direct) > 15
    for requirement in direct:
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), f"{requirement} is not pinned"
        assert versions.get(canonicalize_name(requirement.name)) == {str(requirement.specifier)}, (
            _REMEDY
        )


@pytest.mark.parametrize("lock", [*LOCKS, INSTALLER])
def test_locked_requirements_have_one_version_and_hashes(lock: str) -> None:
    entries = _locked(lock)
    direct = _direct(LOCKS[lock]) if lock in LOCKS else []
    assert len(entries) > len(direct), "indirect requirements are missing"
    for requirement, hashes in entries:
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
        assert hashes, f"{requirement} has no hash"


def test_runtime_lock_is_part_of_the_development_lock() -> None:
    """The tests use the versions with which the product runs."""
    tested = [
        (requirement.name, str(requirement.specifier), hashes)
        for requirement, hashes in _locked("requirements-dev.lock")
    ]
    for requirement, hashes in _locked("requirements.lock"):
        assert (requirement.name, str(requirement.specifier), hashes) in tested, _REMEDY


@pytest.mark.parametrize("name", FILES)
def test_requirements_name_no_index_or_path(name: str) -> None:
    """Packages come from the index that the machine is configured for."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index|--find-links|--trusted|\s@\s|#\s+/|[= ]/\w", text)


def test_makefile_installs_with_hashes() -> None:
    """All lock files are installed with hashes required, by pip or by uv."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    installing = text.partition("define install")[2].partition("endef")[0]
    assert installing.count("pip install") == 1
    assert installing.count("$(PIP)") == 1
    assert installing.count("--require-hashes -r $(1)") == 2
    for lock in LOCKS:
        assert f"$(call install,{lock})" in text
    assert f"$(PIP) --require-hashes -r {INSTALLER}" in text
    assert not re.search(r"(\$\(PIP\)|call install).*requirements(-dev)?\.txt", text)
