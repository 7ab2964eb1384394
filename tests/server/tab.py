"""A browser tab without a browser: Streamlit's own messages over a raw websocket."""

import json
from types import TracebackType
from typing import Any, Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from trail.web.guard import COOKIE, VISIT_COOKIE


class Tab:
    """One connection; `text` is everything that the last run sent, as text."""

    def __init__(
        self,
        url: str,
        *,
        sid: str = "",
        visit: str = "",
        session: str = "",
        headers: dict[str, str] | None = None,
        source: str = "",
    ) -> None:
        cookies = {COOKIE: sid, VISIT_COOKIE: visit}
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items() if value)
        # The third place is where the page's script puts the session that it wants to resume.
        offered = ["streamlit", "none", session] if session else ["streamlit"]
        self._opened = connect(
            url,
            additional_headers={**({"Cookie": cookie} if cookie else {}), **(headers or {})},
            subprotocols=[Subprotocol(each) for each in offered],
            max_size=None,
            source_address=(source, 0) if source else None,
        )
        self._socket = self._opened.__enter__()
        self.session = ""
        self.fragments: set[str] = set()
        self.media: list[str] = []
        self.closed = False
        self.menu: dict[str, bool] = {}
        self.hashes: dict[str, str] = {}
        self._elements: list[Any] = []
        self._widgets: dict[str, str] = {}

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
        """What the last run drew."""
        return "\n".join(str(each) for each in self._elements)

    @property
    def kinds(self) -> list[str]:
        """The kinds of element that the last run drew, in order."""
        return [str(each.WhichOneof("type")) for each in self._elements]

    def run(
        self,
        page: str = "",
        query: str = "",
        fragment: str = "",
        typed: dict[str, str] | None = None,
        press: str = "",
        page_hash: str = "",
    ) -> str:
        """Ask for a run, read all that comes back, and return it as text; '' once closed."""
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
            while not self._read():
                pass
        except ConnectionClosed:
            self.closed = True
        return self.text

    def component_data(self, name: str) -> dict[str, Any] | None:
        """Return the data that the last run gave to a component of ours."""
        for element in self._elements:
            if element.WhichOneof("type") == "bidi_component":
                component = element.bidi_component
                if component.component_name.endswith(name):
                    found: dict[str, Any] = json.loads(component.json)
                    return found
        return None

    def _read(self) -> bool:
        data = self._socket.recv(timeout=30)
        assert isinstance(data, bytes)
        message = ForwardMsg()
        message.ParseFromString(data)
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.session = message.new_session.initialize.session_id or self.session
        elif kind == "navigation":
            pages = message.navigation.app_pages
            self.menu = {each.url_pathname: not each.is_hidden for each in pages}
            self.hashes = {each.url_pathname: each.page_script_hash for each in pages}
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._keep(message.delta.new_element, message.delta.fragment_id)
        return kind == "script_finished"

    def _keep(self, element: Any, fragment: str) -> None:
        self._elements.append(element)
        if fragment:
            self.fragments.add(fragment)
        kind = element.WhichOneof("type")
        if kind in ("text_input", "button"):
            widget = getattr(element, kind)
            self._widgets[widget.label] = widget.id
        elif kind == "download_button":
            self.media.append(element.download_button.url)
