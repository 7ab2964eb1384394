"""Which characters the fonts of the PDF have, read from the character maps of the font files.

A font file begins with a directory of its tables; `cmap` maps characters to glyphs, in formats 4
(up to U+FFFF) and 12. See the OpenType specification.
"""

import struct
from functools import cache
from importlib import resources
from pathlib import Path

PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")

Coverage = frozenset[int]


def folders() -> list[str]:
    """Return the folders of the font files."""
    return [str(resources.files(name)) for name in PACKAGES]


@cache
def fonts() -> tuple[Coverage, ...]:
    """Return the characters of each font file; that of Latin text first."""
    files = [path for folder in folders() for path in Path(folder).iterdir()]
    paths = [path for path in files if path.suffix in (".ttf", ".otf", ".ttc")]
    paths.sort(key=lambda path: (not path.name.startswith("NotoSans["), path.name))
    return tuple(_characters(path) for path in paths)


def _characters(path: Path) -> Coverage:
    with path.open("rb") as file:
        start = 0
        if file.read(4) == b"ttcf":  # a collection: its faces share one character set
            file.seek(12)
            (start,) = struct.unpack(">I", file.read(4))
        file.seek(start + 4)
        (tables,) = struct.unpack(">H", file.read(2))
        file.seek(start + 12)
        directory = [struct.unpack(">4sIII", file.read(16)) for _ in range(tables)]
        offset, length = next((at, size) for tag, _, at, size in directory if tag == b"cmap")
        file.seek(offset)
        data = file.read(length)
    (number,) = struct.unpack_from(">H", data, 2)
    found: set[int] = set()
    for at in range(number):
        _, _, table = struct.unpack_from(">HHI", data, 4 + 8 * at)
        found |= _mapped(data, table)
    return frozenset(found)


def _mapped(data: bytes, at: int) -> set[int]:
    """Return the characters of the character map at *at*; empty for other formats."""
    (form,) = struct.unpack_from(">H", data, at)
    found: set[int] = set()
    if form == 12:
        (groups,) = struct.unpack_from(">I", data, at + 12)
        for number in range(groups):
            first, last, _ = struct.unpack_from(">III", data, at + 16 + 12 * number)
            found.update(range(first, last + 1))
    elif form == 4:
        (double,) = struct.unpack_from(">H", data, at + 6)
        count = double // 2
        ends = struct.unpack_from(f">{count}H", data, at + 14)
        starts = struct.unpack_from(f">{count}H", data, at + 16 + double)
        for first, last in zip(starts, ends, strict=True):
            found.update(range(first, min(last, 0xFFFE) + 1))
    return found
