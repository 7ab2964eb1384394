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
    """Draw the list; each row is a link to its events in Explore."""
    result = overview.needs_attention(store, filter_, now)
    rows: list[AttentionItem] = []
    for failing in result["failing"]:
        rows.append(_failing(failing, filter_, now))
    for risky in result["risky"]:
        rows.append(_risky(risky, filter_, now))
    for unknown in result["unknown"]:
        rows.append(_unknown(unknown, filter_))
    attention_list(rows[:_MAX_ROWS], _KEY)


def _failing(row: dict[str, Any], filter_: Filter, now: dt.datetime) -> AttentionItem:
    what = row["target_name"] or row["target_id"]
    since = text.short_timestamp(row["first_at"], filter_.zone)
    attempts = filter_.put("action", row["action"], "include")
    attempts = attempts.put("target", row["target_id"], "include")
    return {
        "id": f"failing {row['action']} {row['target_id']}",
        "address": url_state.address(url_state.EXPLORE, attempts),
        "level": "high",
        "what": f"{what}: {row['attempts']:,} failed attempts since {since}",
        "why": f"{row['action']} · last failure {text.ago(row['last_at'], now)}",
        "age": text.duration((now.replace(tzinfo=None) - row["first_at"]).total_seconds()),
    }


def _risky(row: dict[str, Any], filter_: Filter, now: dt.datetime) -> AttentionItem:
    names = {"event": row["event_id"], "at": row["occurred_at"].isoformat()}
    return {
        "id": f"risky {row['event_id']}",
        "address": url_state.address(url_state.EXPLORE, overview.changes(filter_), **names),
        "level": "high" if row["risk"] >= 9 else "medium",
        "what": event_text.sentence(row).rstrip("."),
        "why": f"Risk {row['risk']} · {row['category']}",
        "age": text.duration((now.replace(tzinfo=None) - row["occurred_at"]).total_seconds()),
    }


def _unknown(row: dict[str, Any], filter_: Filter) -> AttentionItem:
    unknown = filter_.put("action", row["action_raw"].strip(), "include")
    return {
        "id": f"unknown {row['action_raw']}",
        "address": url_state.address(url_state.EXPLORE, unknown),
        "level": "low",
        "what": f"{row['action_raw']}: event type not in the catalog",
        "why": f"{text.count(row['n'], 'event')}, shown under Other",
        "age": "",
    }
