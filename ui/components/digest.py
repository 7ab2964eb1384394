"""A digest on screen: notices and sections of lines, each a link to its place.

A component because the lines contain names from events, which must not be read as Markdown.
"""

from collections.abc import Callable

from trail.attention.digest import Digest
from trail.attention.digest_parts import Line
from ui.components import messages

_digest = messages.component("trail_digest", "digest")


def draw(digest: Digest, note: str, may_open: Callable[[str], bool], key: str) -> None:
    """Draw *digest* below *note*; only paths that pass *may_open* are links."""

    def row(line: Line) -> dict[str, object]:
        shown = {**line.to_dict(), "value": line.value}
        return shown if may_open(line.path) else {**shown, "path": ""}

    data = {
        "note": note,
        "notices": [row(line) for line in digest.notices],
        "sections": [
            {**section.to_dict(), "lines": [row(line) for line in section.lines]}
            for section in digest.sections
        ],
    }
    messages.draw_links(_digest, key, data)
