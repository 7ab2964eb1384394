"""A file upload, with the results of its dry run or import.

A component because `st.file_uploader` keeps whole files in the server's memory, and because records
in files are hostile text.
"""

from collections.abc import Callable, Sequence
from typing import TypedDict

from ui.components import messages


class Count(TypedDict):
    """A number as text, with a label."""

    key: str
    text: str
    label: str


class Reason(TypedDict):
    """Why records are unreadable: their lines, the reason, and a sample."""

    key: str
    place: str
    text: str
    sample: str


class UploadState(TypedDict):
    """The displayed state of an uploaded file; empty texts and lists are hidden.

    `accept` lists the file types that the browser offers. `share` (0 to 1) draws a bar. While
    `locked`, no other file can be chosen.
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
    """Draw the file and the upload field; *on_uploaded* runs after the last part."""
    messages.draw_clickable(_upload, key, dict(state), lambda _: on_uploaded())
