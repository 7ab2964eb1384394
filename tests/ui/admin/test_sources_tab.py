"""Sources on Admin: the processes that pass events on to the server."""

import json
import re

from tests import drawn_page
from trail.core.clock import utc_now, utc_text
from trail.ingest import parts
from trail.ingest.node import REPORT
from trail.runtime.process import Runtime


def test_ingest_processes_are_listed_with_what_waits(runtime: Runtime) -> None:
    incoming = runtime.settings.store.incoming
    for name, waiting_bytes in (("a", 0), ("b", 2_000)):
        folder = incoming / name
        folder.mkdir(parents=True)
        report = {"seen_at": utc_text(utc_now()), "waiting_bytes": waiting_bytes}
        (folder / REPORT).write_text(json.dumps(report))
    assert parts.write(incoming / "b", parts.About("b", "process", 1, 1), iter(()))
    (incoming / "c").mkdir()
    shown = drawn_page.draw("admin").text
    assert re.search(r"✓ a\. Last report [^.]+\.\n", shown)
    assert re.search(r"✓ b\. Last report [^.]+\. 2 kB in its log\. 1 part waiting \(", shown)
    assert "▲ c. Last report none.\n" in shown
