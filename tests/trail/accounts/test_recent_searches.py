"""The last searches of a user are listed newest first, within the size of a preference."""

from trail.accounts import recent_searches
from trail.storage.database import Store


def test_searches_are_listed_newest_first_and_once(store: Store) -> None:
    for text in ("a", "kind:delete", "a", "ö" * 1000):
        recent_searches.remember(store, "maya", text)
    assert recent_searches.listed(store, "maya") == ["ö" * 1000, "a", "kind:delete"]
    assert recent_searches.listed(store, "jon") == []


def test_the_oldest_are_dropped(store: Store) -> None:
    for number in range(recent_searches.MOST + 5):
        recent_searches.remember(store, "maya", f"{number} {'ß' * 300}")
    kept = recent_searches.listed(store, "maya")
    numbers = [int(text.split()[0]) for text in kept]
    assert 1 < len(kept) < recent_searches.MOST
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] == recent_searches.MOST + 4
