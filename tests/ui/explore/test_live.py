"""The moment that a result shows stays until it is refreshed, whatever arrives meanwhile."""

from streamlit.testing.v1 import AppTest

from tests.conftest import Load
from tests.trail.random_trail import event
from tests.ui.test_logged_actions import runtime
from trail.core.clock import utc_now
from trail.events import arrivals
from trail.runtime.process import Runtime
from trail.storage.duckdb import Store

__all__ = ["runtime"]


def _result() -> None:
    """Show the moment of a result; runs as a script of its own, so it has its own imports."""
    import streamlit as st

    from trail.accounts.users import User
    from trail.runtime import process
    from trail.storage.filters import Filter
    from ui.explore import live
    from ui.page import Context

    entered = st.checkbox("entered")
    ctx = Context(User("maya", "Maya Lind", "", "owner"), process.current(), entered)
    filter_ = Filter.parse(st.text_input("filter"))
    shown = live.frozen(ctx, filter_)
    assert ctx.now == shown.now
    st.text(f"{shown.now} {shown.newest} {shown.fresh_after}")
    st.button("refresh", on_click=live.refresh, args=(filter_, shown))


def test_a_result_keeps_its_moment(runtime: Runtime, store: Store, load: Load) -> None:
    load(event("a", utc_now()).encode(), "a.ndjson")
    app = AppTest.from_function(_result).run()
    first, newest = app.text[0].value, arrivals.newest(store)
    assert first.endswith(f" {newest} None")
    load(event("b", utc_now()).encode(), "b.ndjson")
    assert app.run().text[0].value == first
    assert app.text_input[0].set_value("sort=oldest").run().text[0].value == first
    other = app.text_input[0].set_value("kind=create").run().text[0].value
    assert other != first
    app.text_input[0].set_value("").run()
    load(event("c", utc_now()).encode(), "c.ndjson")
    before = arrivals.newest(store)
    entered = app.checkbox[0].check().run().text[0].value
    assert entered.endswith(f" {before} None")
    app.checkbox[0].uncheck().run()
    load(event("d", utc_now()).encode(), "d.ndjson")
    app.button[0].click().run()
    assert app.text[0].value.endswith(f" {arrivals.newest(store)} {before}")
    assert not app.exception
