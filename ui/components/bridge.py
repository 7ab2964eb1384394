"""What the components share: their files, and a way for clicks to arrive once and in order.

Streamlit hands a script the last trigger of a run only. Two quick clicks while a query runs would
become one, so the browser numbers its acts and repeats those not yet confirmed; here each number is
taken once, and the highest taken goes back with the data.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

EVENT = "act"
_HERE = Path(__file__).parent
_MOST_ACTS = 100


def asset(name: str) -> str:
    """Return the text of a file beside this one."""
    return (_HERE / name).read_text(encoding="utf-8")


def script(name: str) -> str:
    """Return the shared helpers and one component's script as one module."""
    return asset("common.js") + "\n" + asset(name)


def style(name: str) -> str:
    """Return the shared tokens and one component's style."""
    return asset("common.css") + "\n" + asset(name)


def seen(key: str) -> int:
    """Return the number of the last act taken from this component in this session."""
    value = st.session_state.get(_seen_key(key), 0)
    return value if isinstance(value, int) else 0


def waiting(key: str) -> list[dict[str, Any]]:
    """Return the acts that arrived with this run; for use inside a callback."""
    acts: list[dict[str, Any]] = st.session_state.get(_acts_key(key), [])
    return acts


def settle(key: str) -> list[dict[str, Any]]:
    """Return the acts of this run and forget them, so that the next run starts with none."""
    acts = waiting(key)
    st.session_state[_acts_key(key)] = []
    return acts


def ways(key: str) -> list[str]:
    """Return the `go` of each press that arrived with this run, oldest first."""
    return [act["go"] for act in waiting(key)]


def check_way(act: Mapping[str, Any]) -> dict[str, Any] | None:
    """Keep a press of a component whose parts each lead somewhere, named by `go`."""
    return {"go": act["go"]} if isinstance(act.get("go"), str) else None


def receiver(
    key: str,
    check: Callable[[Mapping[str, Any]], dict[str, Any] | None],
    then: Callable[[], None] | None,
) -> Callable[[], None]:
    """Return the callback that takes new acts, keeps those that pass `check`, and calls `then`."""

    def receive() -> None:
        state = st.session_state.get(key)
        payload = state.get(EVENT) if isinstance(state, Mapping) else None
        kept, last = fresh(payload, seen(key), check)
        st.session_state[_seen_key(key)] = last
        st.session_state[_acts_key(key)] = kept
        if kept and then is not None:
            then()

    return receive


def fresh(
    payload: object,
    after: int,
    check: Callable[[Mapping[str, Any]], dict[str, Any] | None],
) -> tuple[list[dict[str, Any]], int]:
    """Return the acts of a payload numbered above `after` that pass, and the last number met."""
    kept: list[dict[str, Any]] = []
    last = after
    for number, act in _numbered(payload):
        if number <= last:
            continue
        last = number
        checked = check(act)
        if checked is not None:
            kept.append(checked)
    return kept, last


def _numbered(payload: object) -> Iterable[tuple[int, Mapping[str, Any]]]:
    acts = payload.get("acts") if isinstance(payload, Mapping) else None
    for act in acts[-_MOST_ACTS:] if isinstance(acts, list) else []:
        number = act.get("n") if isinstance(act, Mapping) else None
        # bool is an int to Python, and a number from a browser may be anything.
        if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**53:
            yield number, act


def _seen_key(key: str) -> str:
    return f"{key}:seen"


def _acts_key(key: str) -> str:
    return f"{key}:acts"
