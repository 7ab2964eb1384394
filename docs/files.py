"""Write docs/files.md from the list of files in backups; a test compares the two."""

from pathlib import Path

from loaders.folder import FolderSettings
from trail.backup import places
from trail.core.sections import Backup, Export
from trail.core.settings import assembled

PAGE = Path(__file__).parent / "files.md"


def text() -> str:
    """Return the page: each file that the product writes, and whether backups contain it."""
    example = assembled().model_construct(
        folder=FolderSettings(path=Path("inbox")),
        backup=Backup(path=Path("backups")),
        export=Export(folder=Path("exports")),
    )
    lines = [
        "# Files",
        "",
        "Every file that the product writes, with the default settings. Generated from "
        "`trail/backup/places.py` by `make docs`.",
        "",
        "| in a backup | file | description |",
        "|---|---|---|",
    ]
    config = Path("trail.toml").absolute()
    for place in places.included(example, config):
        path = _shown(place.path)
        shown = f"{path}/{place.prefix}{place.pattern}" if place.pattern else path
        lines.append(f"| `{place.name}` | `{shown}` | {place.what} |")
    for path, why in places.excluded(example).items():
        lines.append(f"| no | `{_shown(path)}` | {why} |")
    return "\n".join(lines) + "\n"


def _shown(path: Path) -> str:
    return path.relative_to(Path.cwd()).as_posix()


if __name__ == "__main__":
    PAGE.write_text(text())
