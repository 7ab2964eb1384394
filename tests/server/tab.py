"""A browser tab without a browser: Streamlit's protocol over a websocket."""

import json
from types import TracebackType
from typing import Any, Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from trail.web.guard import COOKIE, VISIT_COOKIE

# How long a busy machine may take to answer.
_WAIT_S = 30


class Tab:
    """One connection; `text` is everything that the last script run sent."""

    def __init__(
        self,
        url: str,
        *,
        sid: str = "",
        visit: str = "",
        session: str = "",
        headers: dict[str, str] | None = None,
        source: str = "",
        connection: dict[str, Any] | None = None,
    ) -> None:
        cookies = {COOKIE: sid, VISIT_COOKIE: visit}
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items() if value)
        # Streamlit's browser script sends the session to resume as the third subprotocol.
        offered = ["streamlit", "none", session] if session else ["streamlit"]
        self._opened = connect(
            url,
            additional_headers={**({"Cookie": cookie} if cookie else {}), **(headers or {})},
            subprotocols=[Subprotocol(name) for name in offered],
            max_size=None,
            open_timeout=_WAIT_S,
            source_address=(source, 0) if source else None,
            **(connection or {}),
        )
        self._socket = self._opened.__enter__()
        self.session = ""
        self.fragments: set[str] = set()
        self.media: list[str] = []
        self.closed = False
        self.menu: dict[str, bool] = {}
        self.hashes: dict[str, str] = {}
        self.raw = b""
        self._elements: list[Any] = []
        self._widgets: dict[str, str] = {}
        self.buttons: set[str] = set()
        self.switches: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._opened.__exit__(kind, error, at)

    @property
    def text(self) -> str:
        """The elements of the last script run, as text."""
        return "\n".join(str(element) for element in self._elements)

    @property
    def labels(self) -> set[str]:
        """The labels of all widgets that any run of this tab sent."""
        return set(self._widgets)

    @property
    def kinds(self) -> list[str]:
        """The kinds of the elements of the last script run, in order."""
        return [str(element.WhichOneof("type")) for element in self._elements]

    def run(
        self,
        page: str = "",
        query: str = "",
        fragment: str = "",
        typed: dict[str, str] | None = None,
        press: str = "",
        page_hash: str = "",
    ) -> str:
        """Request a script run; return its elements as text, empty after the connection closed."""
        self.start(page, query, fragment, typed, press, page_hash)
        return self.finish()

    def start(
        self,
        page: str = "",
        query: str = "",
        fragment: str = "",
        typed: dict[str, str] | None = None,
        press: str = "",
        page_hash: str = "",
    ) -> None:
        """Request a script run."""
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.page_name = page
        message.rerun_script.page_script_hash = page_hash
        message.rerun_script.fragment_id = fragment
        for label, value in (typed or {}).items():
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.string_value = self._widgets[label], value
        if press:
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.trigger_value = self._widgets[press], True
        self._elements = []
        try:
            self._socket.send(message.SerializeToString())
        except ConnectionClosed:
            self.closed = True

    def forge(self, page: str, query: str, buttons: set[str], switches: set[str]) -> str:
        """Run *page* as if all these widgets of any page were pressed; return its text.

        They are the IDs in `buttons` and `switches` of a tab.
        """
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.page_name = page
        for id_ in sorted(buttons):
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.trigger_value = id_, True
        for id_ in sorted(switches):
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.bool_value = id_, False
        self._elements = []
        try:
            self._socket.send(message.SerializeToString())
        except ConnectionClosed:
            self.closed = True
        return self.finish()

    def finish(self) -> str:
        """Wait for the end of a script run; return the elements since the request as text."""
        try:
            while not self._read():
                pass
        except ConnectionClosed:
            self.closed = True
        return self.text

    def until(self, button: str) -> None:
        """Wait until the script run that goes on has drawn *button*."""
        self._widgets.pop(button, None)
        while button not in self._widgets:
            assert not self._read(), f"no {button}"

    def component_data(self, name: str) -> dict[str, Any] | None:
        """Return the data of the component whose name ends with *name*, or None."""
        for element in self._elements:
            if element.WhichOneof("type") == "bidi_component":
                component = element.bidi_component
                if component.component_name.endswith(name):
                    data: dict[str, Any] = json.loads(component.json)
                    return data
        return None

    def _read(self) -> bool:
        data = self._socket.recv(timeout=_WAIT_S)
        assert isinstance(data, bytes)
        self.raw += data
        message = ForwardMsg()
        message.ParseFromString(data)
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.session = message.new_session.initialize.session_id or self.session
        elif kind == "navigation":
            pages = message.navigation.app_pages
            self.menu = {page.url_pathname: not page.is_hidden for page in pages}
            self.hashes = {page.url_pathname: page.page_script_hash for page in pages}
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._add(message.delta.new_element, message.delta.fragment_id)
        return kind == "script_finished"

    def _add(self, element: Any, fragment: str) -> None:
        self._elements.append(element)
        if fragment:
            self.fragments.add(fragment)
        kind = element.WhichOneof("type")
        if kind in ("text_input", "button", "selectbox"):
            widget = getattr(element, kind)
            self._widgets[widget.label] = widget.id
            if kind == "button":
                self.buttons.add(widget.id)
        elif kind == "checkbox":
            self.switches.add(element.checkbox.id)
        elif kind == "download_button":
            self.media.append(element.download_button.url)
