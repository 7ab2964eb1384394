"""Build hook: take the wheel's dependencies from `requirements.txt`."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

# Part of the product's base for development; nothing imports it at run time.
NOT_INSTALLED = "pytest"


class RequirementsHook(MetadataHookInterface):
    """Sets `project.dependencies`, and the extras."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the pinned requirements to *metadata*."""
        metadata["dependencies"] = [
            pin
            for pin in self._pins("requirements.txt")
            if pin.partition("==")[0].lower() != NOT_INSTALLED
        ]
        metadata["optional-dependencies"] = {"spark": self._pins("requirements-spark.txt")}

    def _pins(self, name: str) -> list[str]:
        lines = Path(self.root, name).read_text(encoding="utf-8").splitlines()
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
