"""Lists of items as a table: columns as the user chose them, sorted as a whole, 200 rows a page.

The order and the number of the first row are in the URL, so that Back and a reload keep them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from trail.core.text import parse_integer
from ui import url_state
from ui.column_layout import ColumnLayout
from ui.components import table as component
from ui.components.table import Cell, Column, Message, Row, Table

PAGE_ROWS = 200
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Field(Generic[T]):
    """One column: what a cell shows of an item.

    *key* is what the list sorts by, None if the column does not sort; items whose key is None come
    last. A text sorts without regard to case. With *first* `desc`, the first press puts the highest
    value first.
    """

    name: str
    title: str
    width: int
    show: Callable[[T], str | Cell]
    key: Callable[[T], Any] | None = None
    first: str = "asc"
    align: str = ""
    mono: bool = False

    @property
    def column(self) -> Column:
        """Return the column of the table."""
        column: Column = {"name": self.name, "title": self.title, "width": self.width}
        if self.key:
            column |= {"asc": self.name, "desc": f"-{self.name}"}
            column["first"] = "desc" if self.first == "desc" else "asc"
        if self.align == "right":
            column["align"] = "right"
        if self.mono:
            column["mono"] = True
        return column


class Listed(Generic[T]):
    """A kind of list: its name for preferences, its label, its fields, and the IDs of its items.

    *main* is the field that opens an item, *default* those shown unless chosen otherwise. With
    *lead*, a field, items are drawn as `Table` says.
    """

    def __init__(
        self,
        name: str,
        label: str,
        fields: Sequence[Field[T]],
        id_of: Callable[[T], str],
        main: str,
        default: Sequence[str] = (),
        lead: str = "",
    ) -> None:
        self._label, self._main, self._id_of, self._lead = label, main, id_of, lead
        self._fields = {field.name: field for field in fields}
        columns = tuple(field.column for field in fields)
        self._layout = ColumnLayout(name, columns, tuple(default or self._fields))

    def names(self) -> tuple[str, ...]:
        """Return the names of the columns shown, in their order."""
        return self._layout.shown()

    def order(self) -> str:
        """Return the order in the URL: a field, with `-` for descending, or empty."""
        order = url_state.param("order")
        field = self._fields.get(order.removeprefix("-"))
        return order if field and field.key else ""

    def sort(self, items: Sequence[T]) -> list[T]:
        """Return all *items* in the order of the URL; as they are by default."""
        order = self.order()
        if not order:
            return list(items)
        key_of = self._fields[order.removeprefix("-")].key
        assert key_of
        keyed = [(key_of(item), item) for item in items]
        known = [(_comparable(key), item) for key, item in keyed if key not in (None, "")]
        known.sort(key=lambda pair: pair[0], reverse=order.startswith("-"))
        return [item for _, item in known] + [item for key, item in keyed if key in (None, "")]

    def draw(
        self,
        items: Sequence[T],
        *,
        key: str,
        visible: int,
        opened: str = "",
        on_open: Callable[[T], None] | None = None,
        total: int | None = None,
        paged: Mapping[str, str] | None = None,
    ) -> None:
        """Draw a page of *items*, at most *visible* rows at once, with the item *opened* marked.

        A press on a row calls *on_open*. With *total*, *items* are one page of that many, in order;
        else they are all, and are sorted here. The URL parameters *paged* are set for every page
        but the first.
        """
        start = first_row() - 1
        if total is None:
            total, items = len(items), self.sort(items)
            start = start if start < total else 0
            items = items[start : start + PAGE_ROWS]
        shown = self._layout.shown()
        rows: list[Row] = [
            {
                "id": self._id_of(item),
                "cells": [self._fields[name].show(item) for name in shown],
            }
            for item in items
        ]
        pages = total > PAGE_ROWS
        last = start + len(rows)
        drawn = Table(
            self._label,
            self._layout.shown_columns(),
            rows,
            main=self._main,
            lead=self._lead,
            opens=on_open is not None,
            keys=on_open is not None,
            closes=False,
            open=opened,
            view=f"{key} {self.order()} {start}",
            sort=self.order(),
            height=component.height(
                min(len(rows), visible), component.STACKED_ROW if self._lead else component.ROW
            ),
            choices=self._layout.columns,
            widths=self._layout.widths(),
            range_text=f"Rows {start + 1:,}–{last:,} of {total:,}" if pages else "",
            back="Previous" if pages else "",
            forward="Next" if pages else "",
            has_back=start > 0,
            has_forward=last < total,
        )

        first_page = {"row": "", **dict.fromkeys(paged or {}, "")}

        def receive(messages: list[Message]) -> None:
            by_id = {self._id_of(item): item for item in items}
            for message in messages:
                if "open" in message and on_open:
                    on_open(by_id[message["open"]])
                elif "sort" in message:
                    url_state.put_params(order=message["sort"], **first_page)
                elif "page" in message:
                    step = PAGE_ROWS if message["page"] == "forward" else -PAGE_ROWS
                    row = max(0, start + step) + 1
                    names = {**(paged or {}), "row": str(row)} if row > 1 else first_page
                    url_state.put_params(**names)
                else:
                    self._layout.apply(message)

        component.draw(drawn, f"table-{self._layout.name}", receive)


def first_row() -> int:
    """Return the number of the first row in the URL, from 1."""
    return max(1, parse_integer(url_state.param("row")) or 1)


def _comparable(key: Any) -> Any:
    return key.casefold() if isinstance(key, str) else key
