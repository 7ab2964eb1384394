"""A part of a page: rows with keys in place of names, and the SQL that found them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trail.events.names import FLAGS, join_names
from trail.storage.engine import Engine, Params


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of the `STAR` columns that *star* selects with *params*, sorted by *order*."""

    star: str
    params: Params
    order: str
    table: pa.Table

    @classmethod
    def read(cls, engine: Engine, star: str, params: Params, order: str) -> "Part":
        """Return the part that *star* selects."""
        return cls(star, params, order, engine.table(star, params))


def named(engine: Engine, parts: Sequence[Part]) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return the rows of *parts* with names in place of keys, and their `sort_value` if any.

    One query for each part, since only one can tell when an actor is merged into another meanwhile.
    """
    rows: list[dict[str, Any]] = []
    values: list[Any] = []
    for part in parts:
        columns = [*FLAGS, *(["sort_value"] if "sort_value" in part.table.column_names else [])]
        more = "".join(f", {column}" for column in columns)
        sql = f"{join_names(part.star, more)} order by {part.order}"
        table = engine.table(sql, part.params)
        if "sort_value" in columns:
            values += table["sort_value"].to_pylist()
            table = table.drop_columns(["sort_value"])
        rows += table.to_pylist()
    return rows, values
