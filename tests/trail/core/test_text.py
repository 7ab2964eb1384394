"""Test how hostile text becomes printable."""

from hypothesis import given
from hypothesis import strategies as st

from trail.core.text import one_line, percent, printable


def test_one_line_cuts_and_strips_control_characters() -> None:
    assert one_line("a\r\nb\x00\x1b[31m\u202ec") == "a b [31m c"
    assert one_line("x" * 10, 5) == "xxxx…"
    assert one_line(None) == ""


def test_a_share_is_a_percentage() -> None:
    assert [percent(0.29), percent(0.0571, 1), percent(12.5)] == ["29 %", "5.7 %", "1,250 %"]


@given(st.text(), st.sampled_from(["\ufffd", " ", "?"]))
def test_printable_replaces_each_unprintable_character(text: str, replacement: str) -> None:
    result = printable(text, replacement)
    assert result.isprintable()
    assert len(result) == len(text)
    assert all(new in (old, replacement) for old, new in zip(text, result, strict=True))
