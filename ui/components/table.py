"""A table of rows that open on a click: sorted, paged and narrowed through its messages.

A component because no Streamlit element has real rows, marks the open row at once, and offers a
menu for each value. Texts are formatted in Python; all of them may be hostile.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

from ui.components import messages

Tone = Literal["red", "amber", "green", "second"]
MIN_WIDTH, MAX_WIDTH = 48, 900
ROW = 32
# A row with `lead`, of a main text on two lines.
STACKED_ROW = 78


class Column(TypedDict):
    """One column; `width` is in px. With `asc` or `desc`, the values of these sorts, it sorts.

    `first` is the direction of the first press. With `filter` its values can be filtered for; with
    `unmarked`, matches of a search are not highlighted in them.
    """

    name: str
    title: str
    width: int
    align: NotRequired[Literal["right"]]
    mono: NotRequired[bool]
    filter: NotRequired[bool]
    unmarked: NotRequired[bool]
    asc: NotRequired[str]
    desc: NotRequired[str]
    first: NotRequired[Literal["asc", "desc"]]


class Cell(TypedDict):
    """A text with a glyph, a colored square or a faint note.

    `square` is a CSS color, or the index of a categorical color of the theme.
    """

    text: str
    glyph: NotRequired[str]
    tone: NotRequired[Tone]
    square: NotRequired[str]
    note: NotRequired[str]


class Row(TypedDict):
    """One row; its `cells` are in the order of the columns. A `fresh` row is marked as new."""

    id: str
    cells: Sequence[str | Cell]
    fresh: NotRequired[bool]


class Message(TypedDict, total=False):
    """One of open, close, sort, columns, widths, reset, page, or filter with row and mode.

    All names, rows and sorts are those that were drawn.
    """

    open: str
    close: bool
    sort: str
    columns: list[str]
    widths: dict[str, int]
    reset: bool
    page: Literal["back", "forward"]
    filter: str
    row: str
    mode: Literal["include", "exclude"]


@dataclass(frozen=True, slots=True)
class Table:
    """What is drawn. `open` is the ID of the marked row, `main` the column that opens a row.

    `link` is the address of a row without its ID at the end. `view` names what the rows are: after
    another one the table starts at the top. `choices` are all columns, in their order; without them
    the columns cannot be changed. With `keys`, j and k step from everywhere on the page; with
    `closes`, Escape closes the open row.
    With `lead`, a column, each row is that one at the left, `main` on the lines that it needs, and
    the others in one line below it.
    `range_text` and the buttons `back` and `forward` are below the rows.
    """

    label: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    main: str = ""
    lead: str = ""
    opens: bool = True
    keys: bool = False
    closes: bool = True
    open: str = ""
    link: str = ""
    view: str = ""
    sort: str = ""
    marks: Sequence[str] = ()
    height: str = "620px"
    choices: Sequence[Column] = ()
    widths: Mapping[str, int] = field(default_factory=dict)
    note: str = ""
    range_text: str = ""
    back: str = ""
    forward: str = ""
    has_back: bool = False
    has_forward: bool = False


_table = messages.component(
    "trail_table", "table", "table_head", "table_cells", "table_columns", "table_stacked"
)


def draw(table: Table, key: str, on_messages: Callable[[list[Message]], None]) -> None:
    """Draw the table; *on_messages* gets the messages, oldest first."""
    names = [column["name"] for column in table.columns]
    data = {
        "label": table.label,
        "columns": list(table.columns),
        "rows": list(table.rows),
        "main": table.main if table.main in names else names[0],
        "lead": table.lead,
        "opens": table.opens,
        "keys": table.keys,
        "closes": table.closes,
        "open": table.open,
        "link": table.link,
        "view": table.view,
        "sort": table.sort,
        "marks": list(table.marks),
        "height": table.height,
        "choices": [{"name": item["name"], "title": item["title"]} for item in table.choices],
        "widths": dict(table.widths),
        "note": table.note,
        "range": table.range_text,
        "back": table.back,
        "forward": table.forward,
        "has_back": table.has_back,
        "has_forward": table.has_forward,
    }
    messages.draw(_table, key, data, lambda message: _parse(message, table), on_messages)


def height(rows: int, row: int = ROW) -> str:
    """Return the height of the header and *rows* of the height *row* each, in CSS."""
    return f"{rows * row + ROW + 2}px"


def _parse(message: Mapping[str, Any], table: Table) -> dict[str, Any] | None:
    """Return a message of a known form about what was drawn, else None."""
    if message.get("close") is True or message.get("reset") is True:
        return {"close": True} if message.get("close") is True else {"reset": True}
    if "open" in message:
        return (
            {"open": message["open"]} if table.opens and _has_row(table, message["open"]) else None
        )
    if "sort" in message:
        sorts = {"", *(item.get(way, "") for item in table.columns for way in ("asc", "desc"))}
        sort = message["sort"]
        return {"sort": sort} if isinstance(sort, str) and sort in sorts else None
    if "page" in message:
        allowed = {"back": table.has_back, "forward": table.has_forward}
        page = message["page"]
        return {"page": page} if isinstance(page, str) and allowed.get(page) else None
    if "filter" in message:
        return _parse_filter(message, table)
    return _parse_columns(message, table)


def _parse_filter(message: Mapping[str, Any], table: Table) -> dict[str, Any] | None:
    name, row, mode = (message.get(part) for part in ("filter", "row", "mode"))
    known = any(column["name"] == name and column.get("filter") for column in table.columns)
    if known and _has_row(table, row) and mode in ("include", "exclude"):
        return {"filter": name, "row": row, "mode": mode}
    return None


def _parse_columns(message: Mapping[str, Any], table: Table) -> dict[str, Any] | None:
    known = [column["name"] for column in table.choices]
    names, widths = message.get("columns"), message.get("widths")
    if isinstance(names, list) and names:
        is_valid = all(isinstance(name, str) and name in known for name in names)
        return {"columns": list(dict.fromkeys(names))} if is_valid else None
    if isinstance(widths, dict):
        valid = {
            name: min(max(int(width), MIN_WIDTH), MAX_WIDTH)
            for name, width in widths.items()
            if name in known and isinstance(width, int) and not isinstance(width, bool)
        }
        return {"widths": valid} if valid else None
    return None


def _has_row(table: Table, row: object) -> bool:
    return isinstance(row, str) and any(item["id"] == row for item in table.rows)
