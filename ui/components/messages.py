"""Register the browser components, and take their messages once and in order.

Streamlit passes a script only the last trigger value of a run: two quick clicks during a query
would become one. The browser therefore numbers its messages and repeats the unacknowledged ones;
each number is taken once, and the highest one taken goes back with the data.

A repeat that was sent before the browser had the answer carries the URL from before it, too, and
Streamlit draws the page of the URL that it gets. It gets back the URL that the messages had led to.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from ui import script_run

Parse = Callable[[Mapping[str, Any]], dict[str, Any] | None]

_HERE = Path(__file__).parent
_MAX_MESSAGES = 100
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([a-z_]+\.js)";\n', re.MULTILINE)


def component(name: str, stem: str, *shared: str) -> Callable[..., Any]:
    """Register the component of `stem`.js and `stem`.css under *name*; return its renderer.

    The rules of the stylesheets *shared* come before its own.
    """
    styles = [_HERE / f"{style}.css" for style in ("tokens", *shared, stem)]
    css = "\n".join(path.read_text(encoding="utf-8") for path in styles)
    return st.components.v2.component(name, css=css, js=bundle(f"{stem}.js"))


def bundle(name: str) -> str:
    """Return the script *name* and the modules that it imports as one module without imports."""
    modules: dict[str, str] = {}

    def add(module: str) -> None:
        source = (_HERE / module).read_text(encoding="utf-8")
        for imported in _IMPORT.findall(source):
            if imported not in modules:
                add(imported)
        modules[module] = _IMPORT.sub("", source)

    add(name)
    entry = modules.pop(name)
    shared = [re.sub(r"^export ", "", source, flags=re.MULTILINE) for source in modules.values()]
    return "\n".join([*shared, entry])


def draw_links(renderer: Callable[..., Any], key: str, data: Mapping[str, Any]) -> None:
    """Draw a component that sends no messages: its parts are links."""
    renderer(key=key, data=_shared(data))


def draw(
    renderer: Callable[..., Any],
    key: str,
    data: Mapping[str, Any],
    parse: Parse,
    on_messages: Callable[[list[Any]], None] | None,
    width: Literal["stretch", "content"] = "stretch",
) -> None:
    """Draw a component; *on_messages* gets new messages that pass *parse*, oldest first.

    It runs before the script, like all Streamlit callbacks.
    """

    def receive() -> None:
        state = st.session_state.get(key)
        payload = state.get("message") if isinstance(state, Mapping) else None
        acknowledged, url = _acknowledged(key), _url()
        messages, last = new_messages(payload, acknowledged, parse)
        st.session_state[f"{key}:acknowledged"] = last
        led_to = f"{key}:led-to"
        if last == acknowledged:
            before, after = st.session_state.get(led_to, (None, {}))
            if before == url != after:
                st.query_params.from_dict(after)
        elif messages and on_messages is not None:
            try:
                with script_run.action():
                    on_messages(messages)
            finally:  # of a callback that runs a fragment, too, which raises
                st.session_state[led_to] = url, _url()

    renderer(
        key=key,
        data={**_shared(data), "acknowledged": _acknowledged(key)},
        on_message_change=receive,
        width=width,
    )


def _shared(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return *data* for the browser, quickly.

    Streamlit examines each list whether it is a table, but no tuple; both are arrays in JSON.
    """
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
    }


def draw_clickable(
    renderer: Callable[..., Any],
    key: str,
    data: Mapping[str, Any],
    on_click: Callable[[str], None] | None,
) -> None:
    """Draw a component whose parts are buttons; *on_click* gets the `id` of each clicked part."""

    def clicked(messages: list[dict[str, str]]) -> None:
        for message in messages:
            if on_click is not None:
                on_click(message["id"])

    draw(renderer, key, data, parse_click, clicked)


def parse_click(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the `id` of a clicked part, or None if the message has none."""
    return {"id": message["id"]} if isinstance(message.get("id"), str) else None


def new_messages(payload: object, after: int, parse: Parse) -> tuple[list[dict[str, Any]], int]:
    """Return the messages of a payload numbered above *after* that pass, and the last number."""
    messages: list[dict[str, Any]] = []
    last = after
    for number, message in _numbered(payload):
        if number <= last:
            continue
        last = number
        parsed = parse(message)
        if parsed is not None:
            messages.append(parsed)
    return messages, last


def _numbered(payload: object) -> Iterable[tuple[int, Mapping[str, Any]]]:
    messages = payload.get("messages") if isinstance(payload, Mapping) else None
    for message in messages[-_MAX_MESSAGES:] if isinstance(messages, list) else []:
        number = message.get("n") if isinstance(message, Mapping) else None
        # bool is a subclass of int, and a number from a browser may be of any size.
        if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**53:
            yield number, message


def _url() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in st.query_params}


def _acknowledged(key: str) -> int:
    """Return the number of the last message taken from this component in this session."""
    value = st.session_state.get(f"{key}:acknowledged", 0)
    return value if isinstance(value, int) else 0
