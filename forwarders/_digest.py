"""The parts of a digest in a message: sections of lines, as plain text and as HTML for e-mail.

Read from the body of a notification (`Digest.to_dict`), so a malformed one gives fewer lines, never
an error. The HTML has no images, styles or links from elsewhere; every text is escaped.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from trail.core.text import one_line

_MAX_SECTIONS, _MAX_LINES = 12, 60
_FONT = "font:14px/20px -apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif"
_RULE = "border-top:1px solid #8884"
# Lighter than the text in light and in dark mode.
_SECOND = "opacity:.72;font-size:12px"
_LINK = (
    "color:inherit;text-decoration:underline;text-decoration-color:#8888;text-underline-offset:3px"
)


@dataclass(frozen=True, slots=True)
class DigestLine:
    """A line: its text, its number with the change, a note, and its URL (each may be empty)."""

    text: str
    number: str = ""
    note: str = ""
    url: str = ""

    def plain(self) -> str:
        """Return number, text and note on one line."""
        note = f" ({self.note})" if self.note else ""
        return f"{self.text}: {self.number}{note}" if self.number else f"{self.text}{note}"


@dataclass(frozen=True, slots=True)
class DigestPart:
    """A titled list of lines; the notices have no title."""

    title: str
    note: str
    lines: Sequence[DigestLine]


def parts(body: Mapping[str, Any], home: str) -> list[DigestPart]:
    """Return the notices and the sections of *body*, with links to pages below *home*."""
    notices = _lines(body.get("notices"), home)
    result = [DigestPart("", "", notices)] if notices else []
    for section in _mappings(body.get("sections"))[:_MAX_SECTIONS]:
        lines = _lines(section.get("lines"), home)
        result.append(
            DigestPart(one_line(section.get("title"), 80), one_line(section.get("note")), lines)
        )
    return result


def summary(body: Mapping[str, Any]) -> str:
    """Return the figures that matter most, or else the notices, and the time zone.

    Such as `821 changes, 2 open incidents. Times in Europe/Oslo.`
    """
    names = {
        "changes": "changes",
        "open_incidents": "open incidents",
        "undecided_findings": "findings to review",
        "needs_attention": "items need attention",
    }
    numbers = {
        line.get("key"): line.get("number")
        for section in _mappings(body.get("sections"))
        for line in _mappings(section.get("lines"))
    }
    figures = [
        f"{numbers[key]:,} {name}"
        for key, name in names.items()
        if isinstance(numbers.get(key), int)
    ]
    notices = [one_line(line.get("text")) for line in _mappings(body.get("notices"))[:3]]
    zone = one_line(body.get("tz"), 60)
    sentences = [f"{', '.join(figures)}."] if figures else notices
    return " ".join([*sentences, *([f"Times in {zone}."] if zone else [])])


def plain(digest: Sequence[DigestPart]) -> str:
    """Return *digest* as plain text, one line each with its URL below the titles."""
    lines: list[str] = []
    for part in digest:
        head = f"{part.title} ({part.note.rstrip('.')})" if part.note else part.title
        lines += [f"\n{head}"] if head else []
        lines += [
            f"- {line.plain()}" + (f"\n  {line.url}" if line.url else "") for line in part.lines
        ]
    return "\n".join(lines)


def as_html(title: str, sentence: str, link: str, digest: Sequence[DigestPart], footer: str) -> str:
    """Return *digest* as an HTML document of one table, which mail programs show as it is."""
    rows = []
    for part in digest:
        if part.title:
            note = f'<div style="{_SECOND}">{_safe(part.note)}</div>' * bool(part.note)
            rows.append(
                '<tr><td colspan="2" style="padding:22px 0 6px"><h2 style="margin:0;'
                f'font-size:16px">{_safe(part.title)}</h2>{note}</td></tr>'
            )
        mark = "" if part.title else "▲ "
        rows += [_row(line, mark) for line in part.lines]
    heading = _anchor(link, title)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="color-scheme" content="light dark">'
        '<meta name="supported-color-schemes" content="light dark">'
        f"<title>{_safe(title)}</title></head>"
        f'<body style="margin:0;padding:24px 16px;{_FONT}">'
        '<table role="presentation" style="width:100%;max-width:640px;margin:0 auto;'
        f'border-collapse:collapse;{_FONT}">'
        f'<tr><td colspan="2"><h1 style="margin:0 0 8px;font-size:20px;line-height:26px">{heading}'
        f"</h1>{_safe(sentence)}</td></tr>{''.join(rows)}"
        f'<tr><td colspan="2" style="padding-top:24px;{_SECOND}">{_safe(footer)}'
        "</td></tr></table></body></html>\n"
    )


def _row(line: DigestLine, mark: str) -> str:
    note = f'<div style="{_SECOND}">{_safe(line.note)}</div>' if line.note else ""
    return (
        f'<tr><td style="padding:6px 12px 6px 0;{_RULE}">{mark}{_anchor(line.url, line.text)}{note}'
        f'</td><td style="padding:6px 0;{_RULE};text-align:right;vertical-align:top;'
        f'white-space:nowrap">{_safe(line.number)}</td></tr>'
    )


def _anchor(url: str, text: str) -> str:
    if not url:
        return _safe(text)
    return f'<a href="{_safe(url)}" style="{_LINK}">{_safe(text)}</a>'


def _safe(text: str) -> str:
    return html.escape(text.encode(errors="replace").decode(), quote=True)


def _lines(value: object, home: str) -> list[DigestLine]:
    return [_line(line, home) for line in _mappings(value)[:_MAX_LINES]]


def _line(line: Mapping[str, Any], home: str) -> DigestLine:
    number, change = line.get("number"), one_line(line.get("change"), 30)
    value = f"{number:,}" if isinstance(number, int) else ""
    shown = f"{value} ({change})" if value and change else value
    return DigestLine(
        one_line(line.get("text")), shown, one_line(line.get("note")), url(home, line.get("path"))
    )


def url(home: str, path: object) -> str:
    """Return the URL of a page below *home*; empty without a home, or for no path of a page."""
    text = str(path or "")
    if not home or not text.startswith("/") or text.startswith(("//", "/\\")):
        return ""
    return home + quote(text, safe="/?=&%+:-._~")


def _mappings(value: object) -> list[Mapping[str, Any]]:
    items = value if isinstance(value, list | tuple) else []
    return [item for item in items if isinstance(item, Mapping)]
