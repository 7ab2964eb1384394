"""Test tables of commands."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from trail.cli.tables import table


def test_numbers_are_right_aligned_with_separators() -> None:
    assert table(("events", "value"), [(1234567, "a"), (5, None)]) == (
        "   events  value\n1,234,567  a\n        5\n"
    )


def test_no_rows_give_no_header() -> None:
    assert table(("events", "value"), []) == ""


@given(st.lists(st.tuples(st.text(max_size=30), st.integers()), min_size=1, max_size=5))
def test_hostile_text_stays_in_its_row(rows: list[tuple[str, int]]) -> None:
    lines = table(("name", "number"), rows).split("\n")[:-1]
    assert len(lines) == len(rows) + 1
    for line, (_, number) in zip(lines[1:], rows, strict=True):
        assert line.endswith(f"{number:,}")
        assert not any(unicodedata.category(letter) == "Cc" for letter in line)
