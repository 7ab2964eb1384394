"""The "Needs attention" list: failing targets, risky changes and unknown event types."""

import datetime as dt
from typing import Any

from trail.core import event_text
from trail.events import overview
from trail.storage.database import Store
from trail.storage.filters import Filter
from ui import text, url_state
from ui.components.attention import AttentionItem, attention_list

_KEY = "needs-list"
_MAX_ROWS = 6


def draw(store: Store, filter_: Filter, now: dt.datetime) -> None:
    """Draw the list; a click on a row opens its events in Explore."""
    result = overview.needs_attention(store, filter_, now)
    rows: list[tuple[AttentionItem, Filter, dict[str, str]]] = []
    for failing in result["failing"]:
        rows.append(_failing(failing, filter_, now))
    for risky in result["risky"]:
        rows.append(_risky(risky, filter_, now))
    for unknown in result["unknown"]:
        rows.append(_unknown(unknown, filter_))
    shown = rows[:_MAX_ROWS]

    def open_item(item_id: str) -> None:
        for item, target, names in shown:
            if item["id"] == item_id:
                url_state.open_page(url_state.EXPLORE, target, **names)

    attention_list([item for item, _, _ in shown], _KEY, open_item)


def _failing(
    row: dict[str, Any], filter_: Filter, now: dt.datetime
) -> tuple[AttentionItem, Filter, dict[str, str]]:
    what = row["target_name"] or row["target_id"]
    since = text.short_timestamp(row["first_at"], filter_.zone)
    item: AttentionItem = {
        "id": f"failing {row['action']} {row['target_id']}",
        "level": "high",
        "what": f"{what}: {row['attempts']:,} failed attempts since {since}",
        "why": f"{row['action']} · last failure {text.ago(row['last_at'], now)}",
        "age": text.duration((now.replace(tzinfo=None) - row["first_at"]).total_seconds()),
    }
    attempts = filter_.put("action", row["action"], "include")
    return item, attempts.put("target", row["target_id"], "include"), {}


def _risky(
    row: dict[str, Any], filter_: Filter, now: dt.datetime
) -> tuple[AttentionItem, Filter, dict[str, str]]:
    item: AttentionItem = {
        "id": f"risky {row['event_id']}",
        "level": "high" if row["risk"] >= 9 else "medium",
        "what": event_text.sentence(row).rstrip("."),
        "why": f"Risk {row['risk']} · {row['category']}",
        "age": text.duration((now.replace(tzinfo=None) - row["occurred_at"]).total_seconds()),
    }
    names = {"event": row["event_id"], "at": row["occurred_at"].isoformat()}
    return item, overview.changes(filter_), names


def _unknown(row: dict[str, Any], filter_: Filter) -> tuple[AttentionItem, Filter, dict[str, str]]:
    item: AttentionItem = {
        "id": f"unknown {row['action_raw']}",
        "level": "low",
        "what": f"{row['action_raw']}: event type not in the catalog",
        "why": f"{text.count(row['n'], 'event')}, shown under Other",
        "age": "",
    }
    return item, filter_.put("action", row["action_raw"].strip(), "include"), {}
