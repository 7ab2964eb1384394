"""An ingest process: what its log has becomes parts, once each, wherever it was killed."""

import contextlib
import json
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.segment_records import forwarded
from trail.core import atomic_file
from trail.core.errors import SettingError
from trail.core.settings import Settings
from trail.ingest import node, parts
from trail.ingest.node import PartSink, folder_of
from trail.ingest.write_ahead_log import Entry, Journal


class Killed(BaseException):
    """The process ends here."""


def entry(number: int, receiver: str = "webhook", **more: object) -> Entry:
    raw = json.dumps(forwarded(number, details={"target": f"Thing {number}"})).encode()
    return Entry(receiver, raw, verified=True, **more)  # type: ignore[arg-type]


@pytest.fixture
def node_settings(settings: Settings) -> Settings:
    store = settings.store.model_copy(update={"role": "ingest", "node": "a"})
    return settings.model_copy(update={"store": store})


@pytest.fixture
def journal(node_settings: Settings) -> Iterator[Journal]:
    opened = Journal(folder_of(node_settings), 1 << 20)
    yield opened
    opened.close()


def receive(journal: Journal, *entries: Entry) -> None:
    journal.append(list(entries)).result(5)


def files(settings: Settings) -> list[Path]:
    return parts.waiting(settings.store.incoming / "a")


def records(settings: Settings) -> list[bytes]:
    """Return the records of all parts, each of which must be whole."""
    found = [parts.checked(path) for path in files(settings)]
    return [entry.raw for part in found for group in part.entries() for entry in group]


def test_a_part_has_the_records_and_what_is_in_them(
    node_settings: Settings, journal: Journal
) -> None:
    sent = [
        entry(1),
        entry(2, "tracking_api", named=True),
        Entry("webhook", b"{", verified=False),
        entry(3, refusal="Not covered"),
        Entry("webhook", b"\xff", verified=True),
        entry(1),
    ]
    receive(journal, *sent)
    PartSink(node_settings).drain(journal, ending=False)
    assert journal.waiting_bytes == 0
    (path,) = files(node_settings)
    assert path.name == "part-a-000000000001.parquet"
    part = parts.checked(path)
    assert (part.about.records, part.about.events, part.about.quarantined) == (6, 3, 3)
    (group,) = part.entries()
    assert sorted(group, key=repr) == sorted(sent, key=repr)
    (rest,) = part.entries(4)
    assert rest == group[4:]
    rows = pq.read_table(path).to_pylist()
    events = {(row["event_id"], row["event_key"]) for row in rows if row["event_id"]}
    assert {event_id for event_id, _ in events} == {
        forwarded(number)["messageId"] for number in (1, 2)
    }
    assert len({key for _, key in events}) == 2
    # Of every engine that has MD5: select md5_number_lower('api-…1').
    assert all(row["occurred_at"] for row in rows if row["event_id"])


def test_parts_are_numbered_without_gap_across_restarts(
    node_settings: Settings, journal: Journal
) -> None:
    for number in range(4):
        receive(journal, entry(number))
        PartSink(node_settings).drain(journal, ending=True)
        if number == 1:
            for path in files(node_settings):
                path.unlink()  # the server has them
    numbers = [parts.sequence_of(path, "a") for path in files(node_settings)]
    assert numbers == [3, 4]
    assert json.loads((node_settings.store.incoming / "a" / node.REPORT).read_text())["seen_at"]


# In the order of the steps: what is called, how often it succeeds, whether the last call is done.
STEPS = [
    (atomic_file, "replace", 0, False),
    (atomic_file, "sync_folder", 1, True),
    (os, "link", 0, False),
    (os, "link", 0, True),
    (Path, "unlink", 0, False),
    (atomic_file, "sync_folder", 2, True),
    (atomic_file, "replace", 1, False),
    (atomic_file, "replace", 1, True),
    (Path, "unlink", 1, False),
    (Path, "unlink", 1, True),
]


@pytest.mark.parametrize(
    ("place", "name", "call", "is_done", "is_taken"),
    [
        (*step, taken)
        for number, step in enumerate(STEPS)
        for taken in {number % 2 == 1, number > 3}
    ],
)
def test_a_kill_at_any_step_loses_and_repeats_nothing(
    node_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    place: object,
    name: str,
    call: int,
    is_done: bool,
    is_taken: bool,
) -> None:
    """Between the kill and the restart, the server may have taken what was complete."""
    journal = Journal(folder_of(node_settings), 1 << 20)
    receive(journal, entry(1))
    real: Callable[..., object] = getattr(place, name)
    calls = 0

    def killed(*args: object, **more: object) -> object:
        nonlocal calls
        calls += 1
        if calls <= call:
            return real(*args, **more)
        if is_done and calls == call + 1:
            real(*args, **more)
        raise Killed

    monkeypatch.setattr(place, name, killed)
    with contextlib.suppress(Killed):
        PartSink(node_settings).drain(journal, ending=False)
    monkeypatch.undo()
    journal.close()
    taken: dict[tuple[str, int], list[bytes]] = {}

    def take() -> None:
        for path in files(node_settings):
            part = parts.checked(path)
            raws = [item.raw for group in part.entries() for item in group]
            known = taken.setdefault((part.about.process, part.about.sequence), raws)
            assert known == raws
            path.unlink()

    if is_taken:
        take()
    journal = Journal(folder_of(node_settings), 1 << 20)
    receive(journal, entry(2))
    PartSink(node_settings).drain(journal, ending=False)
    journal.close()
    take()
    assert [raw for _, raws in sorted(taken.items()) for raw in raws] == [
        entry(1).raw,
        entry(2).raw,
    ]
    assert [sequence for _, sequence in sorted(taken)] == [1, 2]
    assert not list(folder_of(node_settings).glob("*.outgoing"))


def test_an_unreachable_folder_leaves_records_in_the_log(
    node_settings: Settings, journal: Journal
) -> None:
    node_settings.store.archive_path.write_text("not a folder")
    receive(journal, entry(1))
    sink = PartSink(node_settings)
    with pytest.raises(OSError, match=r"."):
        sink.drain(journal, ending=False)
    assert journal.waiting_bytes
    node_settings.store.archive_path.unlink()
    sink.drain(journal, ending=False)
    assert records(node_settings) == [entry(1).raw]


def test_a_part_that_cannot_be_written_whole_is_written_again(
    node_settings: Settings, journal: Journal
) -> None:
    """As on a full disk: what is there of it is removed."""
    receive(journal, *(entry(number) for number in range(200)))
    sink, limits = PartSink(node_settings), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            sink.drain(journal, ending=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list((node_settings.store.incoming / "a").iterdir()) == []
    sink.drain(journal, ending=False)
    assert len(records(node_settings)) == 200


def test_a_node_that_lost_its_folder_takes_no_name_of_a_waiting_part(
    node_settings: Settings, journal: Journal
) -> None:
    receive(journal, entry(1))
    PartSink(node_settings).drain(journal, ending=False)
    (folder_of(node_settings) / "identity.json").unlink()
    foreign = node_settings.store.incoming / "a" / parts.name("a", 10**12 - 1)  # none is behind it
    foreign.touch()
    receive(journal, entry(2))
    PartSink(node_settings).drain(journal, ending=False)
    foreign.unlink()
    assert records(node_settings) == [entry(1).raw, entry(2).raw]
    first, second = (parts.checked(path).about for path in files(node_settings))
    assert first.process != second.process
    assert (second.first, second.sequence) == (2, 2)


@pytest.mark.parametrize("is_written", [False, True])
def test_what_was_on_its_way_when_the_identity_was_lost_is_passed_on(
    node_settings: Settings,
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
    is_written: bool,
) -> None:
    for number in (1, 2):
        receive(journal, entry(number))
        if number == 2:
            place, name = (atomic_file, "replace") if is_written else (os, "link")
            monkeypatch.setattr(place, name, killed_now)
        with contextlib.suppress(Killed):
            PartSink(node_settings).drain(journal, ending=False)
    monkeypatch.undo()
    (folder_of(node_settings) / "identity.json").write_text("{")
    receive(journal, entry(3))
    PartSink(node_settings).drain(journal, ending=False)
    found = [parts.checked(path).about for path in files(node_settings)]
    # Of a process, the parts from the first one on, so that the server misses none.
    *_, last = found
    own = [about.sequence for about in found if about.process == last.process]
    assert own == [last.first, last.first + 1]
    assert [about.sequence for about in found] == list(range(1, len(found) + 1))
    assert set(records(node_settings)) == {entry(number).raw for number in (1, 2, 3)}


def killed_now(*_: object, **__: object) -> None:
    raise Killed


def test_the_part_of_another_process_is_never_replaced(
    node_settings: Settings, journal: Journal
) -> None:
    sink = PartSink(node_settings)
    receive(journal, entry(1))
    sink.drain(journal, ending=False)
    path = node_settings.store.incoming / "a" / parts.name("a", 2)
    about = parts.About("a", "another", 1, 2)
    assert parts.write(path.parent, about, iter(()))
    receive(journal, entry(2))
    with pytest.raises(FileExistsError):
        sink.drain(journal, ending=False)
    path.unlink()  # taken
    sink.drain(journal, ending=False)
    assert records(node_settings) == [entry(1).raw, entry(2).raw]


def test_a_name_is_used_by_one_process(node_settings: Settings, settings: Settings) -> None:
    with node.running(node_settings):
        second = node.running(node_settings)
        with pytest.raises(SettingError, match="Another ingest process"), second:
            pass
    with pytest.raises(SettingError, match=r"store\.node is empty"), node.running(settings):
        pass
