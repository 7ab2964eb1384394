"""Build hook: take the wheel's dependencies from `requirements.txt`."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

# Part of the product's base for development; nothing imports it at run time.
NOT_INSTALLED = "pytest"


class RequirementsHook(MetadataHookInterface):
    """Sets `project.dependencies`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the pinned requirements to *metadata*."""
        lines = Path(self.root, "requirements.txt").read_text(encoding="utf-8").splitlines()
        pins = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        metadata["dependencies"] = [
            pin for pin in pins if pin.partition("==")[0].lower() != NOT_INSTALLED
        ]
