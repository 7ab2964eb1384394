"""Columns of a CSV: times like the standard library's, texts that no spreadsheet runs."""

import datetime as dt
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from trail.core import csv_safety
from trail.events import csv_columns
from trail.storage.filters import Window

_YEAR = Window(dt.datetime(2026, 1, 1), dt.datetime(2027, 1, 1))


@pytest.mark.parametrize(
    "name",
    ["UTC", "Europe/Oslo", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"],
)
def test_times_are_those_of_the_standard_library(name: str) -> None:
    zone = ZoneInfo(name)
    step = dt.timedelta(minutes=27, seconds=13, microseconds=1_009)
    moments = [_YEAR.start + number * step for number in range(19_000)]
    shown = csv_columns.LocalTimes(zone, _YEAR).texts(pa.array(moments, pa.timestamp("us")))
    for at, text in zip(moments, shown.to_pylist(), strict=True):
        local = at.replace(tzinfo=dt.UTC).astimezone(zone).isoformat(timespec="microseconds")
        assert text == (local.replace("+00:00", "Z") if name == "UTC" else local)


def test_no_times_are_no_texts() -> None:
    times = csv_columns.LocalTimes(ZoneInfo("UTC"), _YEAR)
    assert times.texts(pa.array([], pa.timestamp("us"))).to_pylist() == []


@pytest.mark.parametrize("mark", csv_safety.RUN_BY_SPREADSHEETS)
@pytest.mark.parametrize(
    "others", [[], ["plain", None, ""], ["", None, "Ａ full width", "'quoted'"]]
)
def test_text_gets_a_quote_exactly_where_a_spreadsheet_would_run_it(
    mark: str, others: list[str | None]
) -> None:
    texts = [*others, f"{mark}1+1", f"''{mark}2", f"a{mark}", f"'{mark}", f"é{mark}", *others]
    column = pa.array(["unused", *texts], pa.string()).slice(1)
    batch = pa.record_batch({"n": pa.array(range(len(texts))), "text": column})
    harmless = csv_columns.harmless(batch)
    assert harmless["n"].equals(batch["n"])
    runs = [
        text is not None and text.lstrip("'").startswith(csv_safety.RUN_BY_SPREADSHEETS)
        for text in texts
    ]
    expected = [f"'{text}" if run else text for text, run in zip(texts, runs, strict=True)]
    assert harmless["text"].to_pylist() == expected
    assert any(runs)
