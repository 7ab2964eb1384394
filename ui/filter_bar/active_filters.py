"""The active filters as chips, which can be flipped and removed."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from trail.storage.filters import FACETS, NO, Filter
from ui import text, url_state
from ui.components.chips import Chip, ChipMessage, chips
from ui.filter_bar import search_box


def draw(filter_: Filter, labels: Mapping[tuple[str, str], str], *, with_search: bool) -> None:
    """Draw the chips, if any filter is active; *labels* name values by facet and value.

    The search has a chip only *with_search*: where no search box shows it.
    """
    rows = _facet_chips(filter_, labels) + (_search_chips(filter_) if with_search else [])
    if rows:
        chips(rows, "active", lambda messages: _on_messages(messages, filter_))


def draw_of(
    filter_: Filter,
    labels: Mapping[tuple[str, str], str],
    key: str,
    on_change: Callable[[Filter], None],
) -> None:
    """Draw all chips of a filter that is not that of the page; *on_change* gets the new one."""
    rows = _facet_chips(filter_, labels) + _search_chips(filter_)
    if rows:
        chips(rows, key, lambda messages: on_change(changed(messages, filter_)))


def in_words(filter_: Filter) -> str:
    """Return the filters of *filter_* as one line: `Kind: disable · not Category: Source`."""
    parts = []
    for chip in _facet_chips(filter_, {}) + _search_chips(filter_):
        values = ", ".join(value["label"] for value in chip["values"])
        mark = "" if chip["field"] == "changes" else ":"  # `Changes only`
        parts.append(f"{'not ' if chip['excluded'] else ''}{chip['name']}{mark} {values}")
    return " · ".join(parts)


def _facet_chips(filter_: Filter, labels: Mapping[tuple[str, str], str]) -> list[Chip]:
    rows: list[Chip] = []
    for field in FACETS:
        choice = filter_.choice(field)
        for values, excluded in ((choice.include, False), (choice.exclude, True)):
            if values:
                named = [
                    (value, labels.get((field, value), text.facet_label(field, value, value)))
                    for value in values
                ]
                rows.append(_chip(field, named, excluded=excluded))
    return rows


def _search_chips(filter_: Filter) -> list[Chip]:
    return [
        {
            "field": "q",
            "name": "Search",
            "values": [{"value": query, "label": query}],
            "excluded": False,
        }
        for query in filter_.q
    ]


def _chip(field: str, values: list[tuple[str, str]], *, excluded: bool) -> Chip:
    if field == "changes" and len(values) == 1:
        # Reads as a sentence without a verb: `Changes only`.
        ((value, _),) = values
        excluded = (value == NO) != excluded
        values = [(value, "left out" if excluded else "only")]
    return {
        "field": field,
        "name": text.FACETS[field],
        "values": [{"value": value, "label": label} for value, label in values],
        "excluded": excluded,
    }


def changed(messages: list[ChipMessage], filter_: Filter) -> Filter:
    """Return *filter_* after the clicks on its chips."""
    for message in messages:
        if message.get("clear"):
            filter_ = filter_.cleared()
        elif message["field"] == "q":
            filter_ = replace(filter_, q=tuple(q for q in filter_.q if q not in message["values"]))
        else:
            for value in message["values"]:
                state = filter_.state(message["field"], value)
                flipped = "include" if state == "exclude" else "exclude"
                filter_ = filter_.put(
                    message["field"], value, flipped if message["do"] == "flip" else ""
                )
    return filter_


def _on_messages(messages: list[ChipMessage], filter_: Filter) -> None:
    if any(message.get("clear") for message in messages):
        search_box.drop_unread()
    url_state.set_url(changed(messages, filter_))
