"""Whether the run of a page is needed still, also while it carries out a press."""

from streamlit.testing.v1 import AppTest

SEEN: list[bool] = []


def _page() -> None:
    """Ask for the next run, and whether this one is needed; a script of its own."""
    from streamlit.runtime.scriptrunner import get_script_run_ctx
    from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

    from tests.ui.test_script_run import SEEN
    from ui import script_run

    if SEEN:
        return
    context = get_script_run_ctx()
    assert context
    assert context.script_requests
    SEEN.append(script_run.superseded()())
    context.script_requests.request_rerun(RerunData())
    SEEN.append(script_run.superseded()())
    with script_run.action():
        needed = script_run.superseded()
    SEEN.extend([needed(), script_run.superseded()()])


def test_the_next_run_ends_this_one_unless_it_carries_out_a_press() -> None:
    assert not AppTest.from_function(_page, default_timeout=30).run().exception
    assert SEEN == [False, True, False, True]
