"""Lists as tables: the whole list is sorted, and pages have 200 rows."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from ui import listed, url_state
from ui.listed import Field, Listed

Item = tuple[int, str | None]
LIST: Listed[Item] = Listed(
    "things",
    "Things",
    (
        Field("number", "Number", 80, lambda item: str(item[0]), lambda item: item[0], "desc"),
        Field("name", "Name", 80, lambda item: item[1] or "", lambda item: item[1]),
        Field("note", "Note", 80, lambda item: "x"),
    ),
    lambda item: str(item[0]),
    "name",
)


@given(
    names=st.lists(st.one_of(st.none(), st.text(max_size=3))),
    order=st.sampled_from(["", "number", "-number", "name", "-name", "note", "raw", "-"]),
)
def test_the_whole_list_is_sorted_with_empty_values_last(
    names: list[str | None], order: str
) -> None:
    items = list(enumerate(names))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(url_state, "param", lambda name: order if name == "order" else "")
        result = LIST.sort(items)
        assert (LIST.order() == order) == (order not in ("note", "raw", "-"))
    assert sorted(result, key=lambda item: item[0]) == items
    if order.endswith("name"):
        known = [name.casefold() for _, name in result if name]
        assert known == sorted(known, reverse=order == "-name")
        assert all(not name for _, name in result[len(known) :])
    elif order == "-number":
        assert result == items[::-1]
    else:
        assert result == items


def _page() -> None:
    """Draw a list of 450 items; runs as a separate script, so it has its own imports."""
    from tests.ui.test_listed import LIST, number_items

    LIST.draw(number_items(), key="k", visible=5, on_open=lambda item: None)


def number_items() -> list[Item]:
    """Return 450 items."""
    return [(number, f"n{number:03}") for number in range(450)]


@pytest.mark.parametrize(
    ("query", "first", "count", "text"),
    [
        ({}, "0", 200, "Rows 1–200 of 450"),
        ({"row": "401"}, "400", 50, "Rows 401–450 of 450"),
        ({"row": "9999"}, "0", 200, "Rows 1–200 of 450"),
        ({"row": "x", "order": "-number"}, "449", 200, "Rows 1–200 of 450"),
    ],
)
def test_pages_have_at_most_200_rows(
    query: dict[str, str], first: str, count: int, text: str
) -> None:
    app = AppTest.from_function(_page)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    drawn: dict[str, Any] = json.loads(app.main[0].proto.json)
    assert (drawn["rows"][0]["id"], len(drawn["rows"])) == (first, count)
    assert (drawn["range"], drawn["has_back"]) == (text, query.get("row") == "401")
    assert listed.PAGE_ROWS == 200
