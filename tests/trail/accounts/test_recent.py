"""The last searches and ranges of a user are listed newest first, within a preference's size."""

from trail.accounts import recent
from trail.storage.duckdb import Store


def test_searches_are_listed_newest_first_and_once(store: Store) -> None:
    for text in ("a", "kind:delete", "a", "ö" * 1000):
        recent.remember(store, "maya", "searches", text)
    assert recent.listed(store, "maya", "searches") == ["ö" * 1000, "a", "kind:delete"]
    assert recent.listed(store, "jon", "searches") == recent.listed(store, "maya", "ranges") == []


def test_the_oldest_are_dropped(store: Store) -> None:
    for number in range(recent.MOST + 5):
        recent.remember(store, "maya", "searches", f"{number} {'ß' * 300}")
    kept = recent.listed(store, "maya", "searches")
    numbers = [int(text.split()[0]) for text in kept]
    assert 1 < len(kept) < recent.MOST
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] == recent.MOST + 4
