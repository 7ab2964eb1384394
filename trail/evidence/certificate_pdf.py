"""The certificate as a PDF on A4, from the same texts as its HTML.

Its fonts have the letters of nearly all scripts, and emoji. A character that they lack is written
as its code point, such as `[U+12000]`, so that no text is missing.
"""

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typst

from trail.evidence import certificate, font_coverage
from trail.findings.sign_offs import Signoff

_TEMPLATE = Path(__file__).with_name("certificate.typ")
_JOINERS = {0x200C, 0x200D, *range(0xFE00, 0xFE10)}
# Longer words may break anywhere, at a zero-width space.
_LONG_WORD, _PIECE = 40, 20


def page(signed: Signoff, workspace: str) -> bytes:
    """Return the certificate of *signed*; *workspace* names it for one without a body."""
    view = _printable(certificate.view(signed, workspace))
    made = typst.compile(
        str(_TEMPLATE),
        font_paths=font_coverage.folders(),
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"view": json.dumps(view)},
    )
    assert isinstance(made, bytes)
    return made


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(_breakable(word) for word in _written(value).split(" "))
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, dict):
        return {name: _printable(item) for name, item in value.items()}
    return value


def _written(text: str) -> str:
    """Return *text* with the characters that the fonts lack as code points."""
    return text if text.isascii() else "".join(_cluster(cluster) for cluster in _clusters(text))


def _clusters(text: str) -> Iterator[str]:
    """Yield each letter with the marks and joiners after it, which need the same font."""
    cluster = ""
    for letter in text:
        if cluster and not _attached(letter):
            yield cluster
            cluster = ""
        cluster += letter
    yield cluster


def _attached(letter: str) -> bool:
    return ord(letter) in _JOINERS or unicodedata.category(letter).startswith("M")


def _cluster(cluster: str) -> str:
    wanted = {ord(letter) for letter in cluster} - _JOINERS
    fonts = font_coverage.fonts()
    if any(wanted <= font for font in fonts):
        return cluster
    first = ord(cluster[0])
    font = next((font for font in fonts if first in font), frozenset())
    return "".join(
        letter if ord(letter) in font or ord(letter) in _JOINERS else certificate.code_point(letter)
        for letter in cluster
    )


def _breakable(word: str) -> str:
    if len(word) <= _LONG_WORD:
        return word
    pieces = [""]
    for letter in word:
        if len(pieces[-1]) >= _PIECE and not _attached(letter) and pieces[-1][-1] != "\u200d":
            pieces.append("")
        pieces[-1] += letter
    return "\u200b".join(pieces)
