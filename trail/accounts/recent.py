"""What each user chose last, to be offered again: search texts and time ranges."""

import json
from typing import Literal

from trail.accounts.preferences import MAX_BYTES, Preferences
from trail.storage.duckdb import Store

MOST = 20
Kind = Literal["searches", "ranges"]


def listed(store: Store, account: str, kind: Kind) -> list[str]:
    """Return the user's last texts of *kind*, the newest first."""
    value = Preferences(store).get(account, f"recent_{kind}")
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def remember(store: Store, account: str, kind: Kind, text: str) -> None:
    """Put *text* first in the user's list of *kind*; the oldest ones are dropped."""
    before = listed(store, account, kind)
    texts = [text, *(other for other in before if other != text)][:MOST]
    while len(texts) > 1 and len(json.dumps(texts)) > MAX_BYTES:
        texts.pop()
    if texts != before:
        Preferences(store).put(account, f"recent_{kind}", texts)
