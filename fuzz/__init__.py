"""Targets for a coverage-guided fuzzer: all code that parses untrusted bytes.

A target takes bytes and returns; any exception is a bug. The tests run each target without the
fuzzer on its seeds, on earlier crashes (fuzz/crashes), and on random bytes.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Target:
    """A function under test, and well-formed inputs to start from."""

    name: str
    feed: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def targets() -> dict[str, Target]:
    """Return the targets of all modules of this package, by name."""
    result: dict[str, Target] = {}
    for info in pkgutil.iter_modules([str(FOLDER)]):
        if not info.name.startswith("_"):
            for target in importlib.import_module(f"fuzz.{info.name}").TARGETS:
                result[target.name] = target
    return result


def crashes(name: str) -> list[bytes]:
    """Return the stored inputs that crashed the target *name*."""
    return [path.read_bytes() for path in sorted((FOLDER / "crashes").glob(f"{name}-*"))]
