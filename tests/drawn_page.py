"""Pages drawn without a browser or a server: their texts, and the data of their components."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from streamlit.testing.v1 import AppTest

_SCRIPT = Path(__file__).with_name("page_script.py")


@dataclass(frozen=True, slots=True)
class DrawnPage:
    """What a page shows: `text` of all its elements, and `components` by the end of their name."""

    text: str
    components: dict[str, list[dict[str, Any]]]

    def number(self, pattern: str) -> int:
        """Return the number in the only group of *pattern* in the text; it must be there."""
        found = re.search(pattern, self.text)
        assert found, f"{pattern!r} is not in:\n{self.text}"
        return int(found[1].replace(",", ""))

    def tile(self, name: str) -> dict[str, Any]:
        """Return the tile of that name."""
        tiles = [tile for data in self.components.get("tiles", []) for tile in data["tiles"]]
        found = [tile for tile in tiles if tile["name"].removesuffix(" ✓") == name]
        assert found, f"no tile {name!r} among {[tile['name'] for tile in tiles]}"
        tile: dict[str, Any] = found[0]
        return tile

    def tile_number(self, name: str) -> int:
        """Return the number of the tile of that name."""
        return int(self.tile(name)["value"].replace(",", ""))


def draw(path: str, query: str = "", role: str = "owner", timeout_s: float = 120) -> DrawnPage:
    """Draw the page for a user of that role; `process.current()` is what it shows."""
    app = AppTest.from_file(_SCRIPT, default_timeout=timeout_s)
    app.session_state["page"], app.session_state["role"] = path, role
    for name, value in parse_qsl(query):
        app.query_params[name] = [*app.query_params.get(name, []), value]
    app.run()
    assert not app.exception, app.exception
    components: dict[str, list[dict[str, Any]]] = {}
    texts = []
    for node in [*app.main, *app.sidebar]:
        if node.type == "bidi_component":
            name = node.proto.component_name.split(".")[-1].removeprefix("trail_")
            components.setdefault(name, []).append(json.loads(node.proto.json or "{}"))
        else:
            value = getattr(node, "value", None)
            texts.append(value if isinstance(value, str) else str(getattr(node, "label", "")))
    return DrawnPage("\n".join(texts), components)
