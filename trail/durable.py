"""What has to be there after a loss of power, beyond a file's own content."""

import os
from pathlib import Path


def sync(folder: Path) -> None:
    """Make the names in *folder* survive a loss of power. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
