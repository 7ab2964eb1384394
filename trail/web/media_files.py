"""Which session may read which of Streamlit's media files: the one whose page got their address.

Streamlit names a file by a digest of its contents and answers everyone who knows the name.
"""

import re
import threading
from collections import OrderedDict
from pathlib import PurePosixPath

_ADDRESS = re.compile(rb"/media/([0-9A-Za-z_-]{1,128})")
_PREFIX = "/media/"
_MAX_FILES, _MAX_SESSIONS = 1_000, 1_000


class MediaFiles:
    """The newest files of the newest sessions; of all others, nobody may read one."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, OrderedDict[str, None]] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, sid_hash: str, frame: bytes) -> None:
        """Note the files that *frame*, sent to a page of the session, refers to."""
        if not (found := _ADDRESS.findall(frame)):
            return
        with self._lock:
            files = self._files.setdefault(sid_hash, OrderedDict())
            self._files.move_to_end(sid_hash)
            for name in found:
                files[name.decode()] = None
                files.move_to_end(name.decode())
            while len(files) > _MAX_FILES:
                files.popitem(last=False)
            while len(self._files) > _MAX_SESSIONS:
                self._files.popitem(last=False)

    def may_read(self, sid_hash: str, path: str) -> bool:
        """Return whether the session may read *path*; True for a path that is no media file."""
        if not path.startswith(_PREFIX):
            return True
        name = PurePosixPath(path.removeprefix(_PREFIX)).stem
        with self._lock:
            return name in self._files.get(sid_hash, ())
