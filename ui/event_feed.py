"""A list of events as sentences, each linked to its event in Explore."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from trail.core import event_text
from trail.storage.filters import Filter
from ui import text, url_state
from ui.components import ranked_list


def draw(
    rows: Sequence[dict[str, Any]],
    chosen: Filter,
    key: str,
    *,
    title: str,
    note: str,
    time: Callable[[dt.datetime], str],
    sentence: Callable[[dict[str, Any]], list[event_text.Part]] = event_text.sentence_parts,
    link: str = "Explore",
    number: int | None = None,
    side: Callable[[dict[str, Any]], str] = lambda _: "",
    empty: str = "",
) -> None:
    """Draw events, each a link to it in Explore with the filter *chosen*; *link* opens all.

    *number* is their total, if given; *empty* replaces the default text for no events.

    *time* formats the time of an event, *sentence* its text, *side* the text at its end.
    """
    ranked_list.sentences(
        [
            {
                "event_id": row["event_id"],
                "address": url_state.address(
                    url_state.EXPLORE,
                    chosen,
                    event=row["event_id"],
                    at=row["occurred_at"].isoformat(),
                ),
                "time": time(row["occurred_at"]),
                "sentence": sentence(row),
                "category": {
                    "name": row["category"],
                    "square": text.category_color(row["category"]),
                },
                "side": side(row),
            }
            for row in rows
        ],
        key,
        title=title,
        note=note,
        link=link,
        address=url_state.address(url_state.EXPLORE, chosen),
        number=number,
        empty=empty,
    )
