"""Lines of small tables: what a spreadsheet would run is text."""

import csv
import io

import pytest

from trail.core import csv_safety


@pytest.mark.parametrize("mark", [*"=+-@＝＋－＠", "\t", "\r", "\n"])
def test_a_formula_cell_gets_a_quote(mark: str) -> None:
    cells = [f"{mark}1", mark, f"a{mark}", f"'{mark}", 5, None]
    text = csv_safety.line(cells).decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        [f"'{mark}1", f"'{mark}", f"a{mark}", f"'{mark}", "5", ""]
    ]
    assert text.endswith(",5,\n")


def test_a_carriage_return_inside_a_cell_does_not_start_a_row() -> None:
    text = csv_safety.line(["name\r=1+1", "b"]).decode()
    assert text == '"name\r=1+1",b\n'
