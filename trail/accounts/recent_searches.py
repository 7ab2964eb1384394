"""The last searches of each user, which the search box offers again."""

import json

from trail.accounts.preferences import MAX_BYTES, Preferences
from trail.storage.database import Store

MOST = 20
_NAME = "recent_searches"


def listed(store: Store, account: str) -> list[str]:
    """Return the user's last search texts, the newest first."""
    value = Preferences(store).get(account, _NAME)
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def remember(store: Store, account: str, text: str) -> None:
    """Put the search *text* first in the user's list; the oldest ones are dropped."""
    before = listed(store, account)
    texts = [text, *(other for other in before if other != text)][:MOST]
    while len(texts) > 1 and len(json.dumps(texts)) > MAX_BYTES:
        texts.pop()
    if texts != before:
        Preferences(store).put(account, _NAME, texts)
