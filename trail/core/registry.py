"""Finding the loaders, pages, detectors and forwarders: one constant in each module of a package.

Separate so that a new one is one new file: nothing else has to name it.
"""

import importlib
import pkgutil
from typing import Any, TypeVar

T = TypeVar("T")


def discover(package: str, constant: str) -> dict[str, Any]:
    """Import every module of *package* and return its *constant*, by module name, sorted.

    A module whose name starts with `_` is skipped. Raises `LookupError` naming the file when a
    module does not define the constant.
    """
    root = importlib.import_module(package)
    result: dict[str, Any] = {}
    for module in sorted(pkgutil.iter_modules(root.__path__), key=lambda item: item.name):
        if module.name.startswith("_"):
            continue
        loaded = importlib.import_module(f"{package}.{module.name}")
        if not hasattr(loaded, constant):
            raise LookupError(f"{package.replace('.', '/')}/{module.name}.py defines no {constant}")
        result[module.name] = getattr(loaded, constant)
    return result


def of_kind(kind: type[T]) -> list[T]:
    """Return every `LOADER` of the type *kind*: files, feeds, drops and receivers live together."""
    return [item for item in discover("loaders", "LOADER").values() if isinstance(item, kind)]
