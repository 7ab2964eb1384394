"""Weeks start as usual in the region of the browser's locale; on Monday where it names none."""

import pytest

from trail.storage.time_expressions import MONDAY, SATURDAY, SUNDAY
from trail.storage.week_start import week_start


@pytest.mark.parametrize(
    ("locale", "day"),
    [
        ("en-US", SUNDAY),
        ("en_US.UTF-8", SUNDAY),
        ("pt-BR", SUNDAY),
        ("en-GB", MONDAY),
        ("de", MONDAY),
        ("zh-Hant-TW", SUNDAY),
        ("ar-EG", SATURDAY),
        ("", MONDAY),
        (None, MONDAY),
    ],
)
def test_the_region_decides(locale: str | None, day: int) -> None:
    assert week_start("auto", locale) == day
    assert week_start("saturday", locale) == SATURDAY
    assert week_start("monday", locale) == MONDAY
