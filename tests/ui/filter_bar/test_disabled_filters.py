"""A filter that is switched off is kept, filters nothing, and comes back as it was."""

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from tests.trail import random_trail
from tests.trail.random_trail import Term
from trail.storage.filters import FACETS, Filter
from ui.filter_bar import active_filters, disabled_filters

_DRAWN = random_trail.filters()


def _parts(filter_: Filter) -> set[tuple[str, str]]:
    return {pair for pair in filter_.pairs() if pair[0] in (*FACETS, "q")}


@given(drawn=_DRAWN, data=st.data())
def test_what_is_disabled_is_kept_and_comes_back(
    drawn: tuple[Filter, tuple[Term, ...]], data: st.DataObject
) -> None:
    before = drawn[0]
    filter_, disabled = before, Filter()
    fields = [*before.choices, *(["q"] if before.q else [])]
    for field in data.draw(st.lists(st.sampled_from(fields), unique=True)) if fields else []:
        values = [value for value, _ in disabled_filters.values_of(before, field)] or [*before.q]
        off = {"field": field, "values": values, "do": "disable"}
        filter_, disabled = active_filters.changed([off], filter_, disabled)  # type: ignore[list-item]
        assert not {pair for pair in _parts(filter_) if pair[0] == field}
    assert _parts(filter_) | _parts(disabled) == _parts(before)
    assert (filter_.start, filter_.end, filter_.tz) == (before.start, before.end, before.tz)

    # The URL has it, and what is active again is not disabled as well.
    pairs = parse_qsl(disabled_filters.text_of(disabled), keep_blank_values=True)
    assert _parts(disabled_filters.read(pairs, filter_)) == _parts(disabled)
    assert not _parts(disabled_filters.read(pairs, before))
    for field in (*disabled.choices, "q"):
        values = [value for value, _ in disabled_filters.values_of(disabled, field)]
        on = {"field": field, "values": values or [*disabled.q], "do": "enable", "disabled": True}
        filter_, disabled = active_filters.changed([on], filter_, disabled)  # type: ignore[list-item]
    assert _parts(filter_) == _parts(before)
    assert not _parts(disabled)


def test_a_disabled_chip_is_flipped_and_removed_without_a_filter() -> None:
    disabled = Filter().put("kind", "delete", "include").put("kind", "read", "exclude")
    flip = {"field": "kind", "values": ["delete"], "do": "flip", "disabled": True}
    remove = {"field": "kind", "values": ["read"], "do": "remove", "disabled": True}
    filter_, disabled = active_filters.changed([flip, remove], Filter(), disabled)  # type: ignore[list-item]
    assert (filter_, disabled) == (Filter(), Filter().put("kind", "delete", "exclude"))
    assert active_filters.changed([{"clear": True}], filter_, disabled) == (Filter(), Filter())


def test_a_disabled_part_that_cannot_be_read_is_left_out() -> None:
    pairs = parse_qsl("kind=read&risk=99&q=(&from=1d&x=y")
    kept = Filter().put("kind", "read", "include")
    assert disabled_filters.read(pairs, Filter()) == kept
