"""The CSV of Explore: the columns, their order, the rows and their order that the table shows."""

import csv
import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trail import random_trail
from tests.trail.random_trail import NOW, Term
from trail.core import csv_safety
from trail.events import events
from trail.events import export as exports
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from ui import text
from ui.explore import columns

ROWS = random_trail.random_rows(23, 90, flagged=True)
TITLES = {column["name"]: column["title"] for column in columns.LAYOUT.columns}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `ROWS`."""
    opened = random_trail.store_of_rows(tmp_path_factory.mktemp("trail"), ROWS, 40)
    yield opened
    opened.close()


def shown(name: str, value: str) -> str:
    """Return what the table shows for *value* of a CSV in the column *name*."""
    value = csv_safety.original(value)
    if name in ("occurred_at", "ingested_at"):
        at = dt.datetime.fromisoformat(value)
        year = "" if at.year == dt.datetime.now(at.tzinfo).year else f" {at.year}"
        return f"{at:%a} {at.day} {at:%b}{year} {at:%H:%M:%S}"
    if name == "risk":
        return f"{value} {text.RISKS[text.risk_level(int(value))][1]}"
    if name == "outcome":
        return text.OUTCOMES[value][1]
    if name == "actor_type":
        return text.ACTOR_TYPES[value]
    if name == "verified":
        return {"true": "Yes", "false": "No", "": ""}[value]
    return value.replace("_", " ") if name == "target_type" else value


@settings(max_examples=50, deadline=None)
@given(
    drawn=random_trail.filters(),
    sort=st.sampled_from((*random_trail.SORTS, "ingested_at", "-ingested_at")),
    names=st.permutations(list(TITLES)).flatmap(
        lambda order: st.integers(1, len(order)).map(lambda count: tuple(order[:count]))
    ),
)
def test_csv_equals_the_screen(
    store: Store, drawn: tuple[Filter, tuple[Term, ...]], sort: str, names: tuple[str, ...]
) -> None:
    filter_ = replace(drawn[0], sort=sort)
    url = exports.download_url(exports.Export(filter_, "csv", names, "titles"))
    asked = {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}
    chosen = exports.Export(
        filter_, "csv", tuple(asked["columns"].split(",")), headers=asked["headers"]
    )
    data = b"".join(exports.stream(store, chosen, NOW)).decode()
    head, *lines = csv.reader(io.StringIO(data, newline=""))
    page = events.page(store, filter_, NOW, rows=len(ROWS))

    zoned = {"occurred_at", "ingested_at"}
    assert head == [TITLES[n] + (f" ({filter_.tz})" if n in zoned else "") for n in names]
    screen = [[columns.cell(name, event, filter_) for name in names] for event in page.rows]
    texts = [[cell if isinstance(cell, str) else cell["text"] for cell in row] for row in screen]
    assert [
        [shown(name, value) for name, value in zip(names, row, strict=True)] for row in lines
    ] == texts
