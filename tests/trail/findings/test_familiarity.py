"""Who else had done it: peers count whatever they did before they became peers."""

from pathlib import Path

from tests import detection
from trail.findings.detector import daily, events, workdays

_SOURCES, _AUDIENCES = "Source Modified", "Audience Modified"


def test_peers_count_by_what_they_did_in_another_group_too(tmp_path: Path) -> None:
    store, settings = detection.open_store(tmp_path)
    history = (
        *daily(workdays(0, 40), "users/ana", _SOURCES, target="s-1"),
        # Ben manages audiences, and deletes a warehouse then; later he manages sources.
        *daily(workdays(0, 15), "users/ben", _AUDIENCES, target="a-1"),
        *events(8, "10:00", "users/ben", "Warehouse Deleted", "w-1"),
        *(
            event
            for day in workdays(15, 42)
            for event in events(day, "09:00", "users/ben", _SOURCES, "s-2", times=4)
        ),
        *daily(workdays(0, 40), "users/cyd", _SOURCES, target="s-3"),
        *events(43, "11:00", "users/ana", "Warehouse Deleted", "w-2"),
    )
    detection.load(store, settings, history)
    (found,) = [item for item in detection.findings(store, 43) if item.actor_id == "users/ana"]
    (reason,) = [item for item in found.reasons if item.detector == "unfamiliar"]
    assert "1 of 2 other people who mostly manage sources had done so" in reason.text
    store.close()
