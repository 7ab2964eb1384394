"""A part of a page: rows with keys in place of names, and the SQL that found them."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trail.events.names import FLAGS, join_names
from trail.storage.database import Engine, Params


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

    def named(self, engine: Engine) -> list[dict[str, Any]]:
        """Return its rows with names in place of keys, by one query.

        Only one query can tell when an actor is merged into another meanwhile.
        """
        has_value = "sort_value" in self.table.column_names
        more = f", {', '.join([*FLAGS, *(['sort_value'] if has_value else [])])}"
        rows = engine.table(f"{join_names(self.star, more)} order by {self.order}", self.params)
        return list(rows.drop_columns(["sort_value"] if has_value else []).to_pylist())
