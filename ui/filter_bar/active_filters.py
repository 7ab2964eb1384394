"""The active filters as chips, which can be flipped, disabled and removed."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from trail.events import value_names
from trail.runtime import startup
from trail.storage.filters import FACETS, NO, Filter
from ui import text, url_state
from ui.components.chips import Chip, ChipMessage, chips
from ui.filter_bar import disabled_filters, search_box

_NONE = Filter()


def draw(filter_: Filter, labels: Mapping[tuple[str, str], str], *, with_search: bool) -> None:
    """Draw the active and disabled filters, if any; *labels* name values by facet and value.

    The search has a chip only *with_search*: where no search box shows it.
    """
    disabled = disabled_filters.current(filter_)
    if disabled.choices:
        names = value_names.labels(startup.reading_store(), [disabled])
        labels = {**names, **labels}
    rows = _facet_chips(filter_, labels, disabled)
    rows += _search_chips(filter_) if with_search else []
    rows += _search_chips(disabled, disabled=True)
    if rows:
        chips(
            rows,
            "active",
            lambda messages: _on_messages(messages, filter_, disabled),
            can_disable=True,
        )


def draw_of(
    filter_: Filter,
    labels: Mapping[tuple[str, str], str],
    key: str,
    on_change: Callable[[Filter], None],
) -> None:
    """Draw all chips of a filter other than the page's; *on_change* gets the new filter."""
    rows = _facet_chips(filter_, labels) + _search_chips(filter_)
    if rows:
        chips(rows, key, lambda messages: on_change(changed(messages, filter_)[0]))


def in_words(filter_: Filter, labels: Mapping[tuple[str, str], str]) -> str:
    """Return the filters of *filter_* as one line: `Kind: disable · not Category: Source`."""
    parts = []
    for chip in _facet_chips(filter_, labels) + _search_chips(filter_):
        values = ", ".join(value["label"] for value in chip["values"])
        mark = "" if chip["field"] == "changes" else ":"  # `Changes only`
        parts.append(f"{'not ' if chip['excluded'] else ''}{chip['name']}{mark} {values}")
    return " · ".join(parts)


def _facet_chips(
    filter_: Filter, labels: Mapping[tuple[str, str], str], disabled: Filter = _NONE
) -> list[Chip]:
    rows: list[Chip] = []
    for field in FACETS:
        for part in (filter_, disabled):
            choice = part.choice(field)
            for values, excluded in ((choice.include, False), (choice.exclude, True)):
                if values:
                    named = [
                        (value, labels.get((field, value), text.facet_label(field, value, value)))
                        for value in values
                    ]
                    chip = _chip(field, named, excluded=excluded)
                    rows.append({**chip, "disabled": part is disabled})
    return rows


def _search_chips(filter_: Filter, *, disabled: bool = False) -> list[Chip]:
    return [
        {
            "field": "q",
            "name": "Search",
            "values": [{"value": query, "label": query}],
            "excluded": False,
            "disabled": disabled,
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
        "disabled": False,
    }


def changed(
    messages: list[ChipMessage], filter_: Filter, disabled: Filter = _NONE
) -> tuple[Filter, Filter]:
    """Return *filter_* and the *disabled* filters after clicks on their chips."""
    for message in messages:
        if message.get("clear"):
            filter_, disabled = filter_.cleared(), _NONE
            continue
        field, values, do = message["field"], message["values"], message["do"]
        if do == "disable":
            filter_, disabled = disabled_filters.moved(field, values, filter_, disabled)
        elif do == "enable":
            disabled, filter_ = disabled_filters.moved(field, values, disabled, filter_)
        elif message.get("disabled"):
            disabled = _after(do, field, values, disabled)
        else:
            filter_ = _after(do, field, values, filter_)
    return filter_, disabled


def _after(do: str, field: str, values: list[str], filter_: Filter) -> Filter:
    """Return *filter_* after its *values* of *field* are removed or flipped."""
    if field == "q":
        return replace(filter_, q=tuple(text for text in filter_.q if text not in values))
    for value in values:
        flipped = "include" if filter_.state(field, value) == "exclude" else "exclude"
        filter_ = filter_.put(field, value, flipped if do == "flip" else "")
    return filter_


def _on_messages(messages: list[ChipMessage], filter_: Filter, disabled: Filter) -> None:
    if any(message.get("clear") for message in messages):
        search_box.drop_unread()
    filter_, disabled = changed(messages, filter_, disabled)
    url_state.set_url(filter_, disabled=disabled_filters.text_of(disabled))
