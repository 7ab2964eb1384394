"""Everything that reads a stranger's bytes, as targets for a coverage-guided fuzzer.

A target takes bytes and returns; whatever it raises is a fault of ours. Targets need no fuzzer:
the tests run each on its seeds, on what has crashed it (fuzz/crashes), and on random bytes.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to feed, and well-formed inputs to start from."""

    name: str
    feed: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def targets() -> dict[str, Target]:
    """Return every target of every module in here that has some, by name."""
    result: dict[str, Target] = {}
    for info in pkgutil.iter_modules([str(FOLDER)]):
        if not info.name.startswith("_"):
            for target in importlib.import_module(f"fuzz.{info.name}").TARGETS:
                result[target.name] = target
    return result


def crashes(name: str) -> list[bytes]:
    """Return what has crashed the target *name* once."""
    return [path.read_bytes() for path in sorted((FOLDER / "crashes").glob(f"{name}-*"))]
