"""Lines of small tables: what a spreadsheet would run is text."""

import csv
import io
import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.core import csv_safety
from trail.events import csv_columns


@pytest.mark.parametrize("mark", [*"=+-@＝＋－＠", "\t", "\r", "\n"])
def test_a_formula_cell_gets_a_quote(mark: str) -> None:
    cells = [f"{mark}1", mark, f"a{mark}", f"'{mark}", 5, None]
    text = csv_safety.line(cells).decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        [f"'{mark}1", f"'{mark}", f"a{mark}", f"''{mark}", "5", ""]
    ]
    assert text.endswith(",5,\n")


def test_a_carriage_return_inside_a_cell_does_not_start_a_row() -> None:
    text = csv_safety.line(["name\r=1+1", "b"]).decode()
    assert text == '"name\r\'=1+1",b\n'


@given(st.text(st.sampled_from("ab'\"=+-@＝＠;,\t\r\n"), max_size=12))
def test_no_cell_of_any_separator_is_run_and_the_text_comes_back(text: str) -> None:
    safe = csv_safety.harmless(text)
    assert csv_safety.original(safe) == text
    # Also where a semicolon is the separator, and so quotation marks after a comma are text.
    for cell in re.split("[;\r\n]", safe):
        assert not cell.lstrip("\t").startswith(tuple("=+-@＝＋－＠"))
    assert not safe.startswith(csv_safety.RUN_BY_SPREADSHEETS)
    column = pa.record_batch({"text": pa.array([text, "plain"], pa.string())})
    assert csv_columns.harmless(column)["text"].to_pylist() == [safe, "plain"]
