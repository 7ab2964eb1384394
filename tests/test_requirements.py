"""The locks hold what the short lists ask for, each file by its hash, from no named host."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = {"requirements.lock": "requirements.txt", "requirements-dev.lock": "requirements-dev.txt"}
FILES = (*LOCKS, *LOCKS.values(), "requirements-bench.txt")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_AGAIN = "run `make lock`"


def _lines(name: str) -> list[str]:
    """Return the lines of a file that say something, continued ones as one."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.strip() and line.lstrip()[0] != "#"]


def _direct(name: str) -> list[Requirement]:
    """Return what a short list asks for, those of the lists that it names among them."""
    found: list[Requirement] = []
    for line in _lines(name):
        found += _direct(line[3:]) if line.startswith("-r ") else [Requirement(line)]
    return found


def _locked(name: str) -> list[tuple[Requirement, list[str]]]:
    """Return each requirement of a lock with its hashes; anything else in it is an error."""
    entries = []
    for line in _lines(name):
        wanted, *hashes = re.split(r"\s+(?=--)", line)
        assert all(_HASH.fullmatch(text) for text in hashes), line
        entries.append((Requirement(wanted), hashes))
    return entries


def _versions(name: str) -> dict[str, set[str]]:
    """Return the versions of each package in a lock: more than one where Pythons differ."""
    found: dict[str, set[str]] = {}
    for wanted, _ in _locked(name):
        found.setdefault(canonicalize_name(wanted.name), set()).add(str(wanted.specifier))
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_each_direct_pin_is_locked_at_its_version(lock: str) -> None:
    """A list that was changed without its lock is found."""
    direct = _direct(LOCKS[lock])
    versions = _versions(lock)
    assert len(direct) > 15
    for wanted in direct:
        assert re.fullmatch(r"==[^*,]+", str(wanted.specifier)), f"{wanted} is no pin"
        assert versions.get(canonicalize_name(wanted.name)) == {str(wanted.specifier)}, _AGAIN


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_locked_is_one_version_with_hashes(lock: str) -> None:
    """Nothing is installed that was not named by its bytes."""
    entries = _locked(lock)
    assert len(entries) > len(_direct(LOCKS[lock])), "the indirect ones are in it too"
    for wanted, hashes in entries:
        assert re.fullmatch(r"==[^*,]+", str(wanted.specifier)), wanted
        assert hashes, f"{wanted} has no hash"


def test_what_runs_is_what_is_tested() -> None:
    """Each package of the dashboard's lock is in the tests' lock, in the same version."""
    tested = [
        (wanted.name, str(wanted.specifier), hashes)
        for wanted, hashes in _locked("requirements-dev.lock")
    ]
    for wanted, hashes in _locked("requirements.lock"):
        assert (wanted.name, str(wanted.specifier), hashes) in tested, _AGAIN


@pytest.mark.parametrize("name", FILES)
def test_no_file_names_a_place(name: str) -> None:
    """Packages come from whatever index a machine is set up for; no path of a machine shows."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index|--find-links|--trusted|\s@\s|#\s+/|[= ]/\w", text)


def test_the_makefile_installs_by_hash() -> None:
    """What runs and what tests are installed from the locks, and refused without a hash."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    for lock in LOCKS:
        assert f"$(PIP) --require-hashes -r {lock}" in text
    assert not re.search(r"\$\(PIP\).*-r requirements(-dev)?\.txt", text)
