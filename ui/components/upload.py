"""A file on its way to the server, and what a dry run or the import found in it.

A component because `st.file_uploader` keeps whole files in the server's memory, and because records
of files are hostile text.
"""

from collections.abc import Callable, Sequence
from typing import TypedDict

from ui.components import messages


class Count(TypedDict):
    """A number, as text, and what it counts."""

    key: str
    text: str
    label: str


class Reason(TypedDict):
    """Why records cannot be read: their lines, the reason, and the first of them."""

    key: str
    place: str
    text: str
    sample: str


class UploadState(TypedDict):
    """What is shown of an uploaded file: empty texts and lists are left out.

    `accept` are the names of files that the browser offers. `share` (0 to 1) draws a bar. No other
    file may be chosen while it is `locked`.
    """

    accept: str
    name: str
    size: str
    title: str
    share: float | None
    counts: Sequence[Count]
    reasons: Sequence[Reason]
    note: str
    locked: bool


_upload = messages.component("trail_upload", "upload")


def upload(state: UploadState, key: str, on_uploaded: Callable[[], None]) -> None:
    """Draw the file and the field that uploads another one; *on_uploaded* follows its last part."""
    messages.draw_clickable(_upload, key, dict(state), lambda _: on_uploaded())
