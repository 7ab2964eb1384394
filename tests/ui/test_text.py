"""Escaped text stays text: nothing in it becomes a link or a symbol."""

import pytest

from ui import text


@pytest.mark.parametrize(
    ("hostile", "escaped"),
    [
        ("www.example.com", "www\u2060\\.example\\.com"),
        ("WWW.example.com", "WWW\u2060\\.example\\.com"),
        ("a@example.com", "a@\u2060example\\.com"),
        ("https://example.com", "https\\:\u2060//example\\.com"),
        (":skull:", "\\:\u2060skull\\:\u2060"),
        ("one\ntwo", "one two"),
    ],
)
def test_links_and_symbols_are_broken(hostile: str, escaped: str) -> None:
    assert text.escape(hostile) == escaped
