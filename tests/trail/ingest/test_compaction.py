"""Parts of ingest processes in the store: each once, wherever the server was killed."""

import datetime as dt
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests import fixed_clock
from tests.segment_records import forwarded
from tests.trail.integrity.conftest import NOW, Trail, day
from tests.trail.integrity.conftest import event as sealed_event
from trail.core.clock import utc_now, utc_text
from trail.core.errors import InputError, UnavailableError
from trail.core.settings import Settings
from trail.ingest import compaction, nodes, parts, pipeline
from trail.ingest.compaction import Compactor
from trail.ingest.node import REPORT
from trail.ingest.part_progress import Progress
from trail.integrity import archive_manifest, chain, seal_store
from trail.retention import archive, policy
from trail.storage import archive_place, tiers
from trail.storage.duckdb import Store


class Killed(BaseException):
    """The process ends here."""


def event(number: int, at: dt.datetime | None = None) -> bytes:
    more: dict[str, Any] = {"timestamp": f"{at.isoformat()}Z"} if at else {}
    return json.dumps(forwarded(number, details={"target": f"Thing {number}"}, **more)).encode()


class Nodes:
    """Writes parts as ingest processes do."""

    def __init__(self, settings: Settings) -> None:
        self._incoming = settings.store.incoming
        self._sequences: Counter[str] = Counter()

    def send(self, name: str, *raws: bytes, rows: int = 100) -> Path:
        """Write a part of *raws* in groups of *rows*; return it."""
        self._sequences[name] += 1
        folder = self._incoming / name
        folder.mkdir(parents=True, exist_ok=True)
        about = parts.About(name, f"process-{name}", 1, self._sequences[name])
        groups = (raws[start : start + rows] for start in range(0, len(raws), rows))
        assert parts.write(folder, about, ((_table(group), 0, 0) for group in groups))
        return folder / parts.name(name, about.sequence)


def _table(raws: Sequence[bytes]) -> pa.Table:
    """Return records without what is in them, as where a node could not read them."""
    row = {"receiver": "webhook", "verified": True, "named": False, "refusal": ""}
    return pa.Table.from_pylist([{**row, "raw": raw} for raw in raws], parts.SCHEMA)


@pytest.fixture
def sent(settings: Settings) -> Nodes:
    return Nodes(settings)


@pytest.fixture
def compactor(settings: Settings) -> Iterator[Compactor]:
    opened = Compactor(settings)
    yield opened
    opened.close()


def stored(store: Store) -> Counter[str]:
    ids = tiers.both(store).table("select event_id from events")["event_id"].to_pylist()
    return Counter(ids)


def totals(store: Store) -> dict[str, int]:
    """Return the sums of all batches, which must be balanced one by one."""
    names = ("read", "kept", "duplicates", "quarantined")
    columns = ", ".join(f"coalesce({name}, 0) as {name}" for name in names)
    found = store.table(f"select {columns} from batches").to_pylist()
    for row in found:
        assert row["read"] == row["kept"] + row["duplicates"] + row["quarantined"], row
    return {name: sum(row[name] for row in found) for name in ("read", "kept", "quarantined")}


def ids(*numbers: int) -> dict[str, int]:
    return {forwarded(number)["messageId"]: 1 for number in numbers}


def test_parts_of_two_nodes_become_events_once(
    settings: Settings, sent: Nodes, store: Store, compactor: Compactor
) -> None:
    assert compactor.is_idle()
    sent.send("a", event(1), event(2), b"{")
    sent.send("b", event(2), event(3))
    assert [(n.node, n.waiting_parts) for n in nodes.nodes(store, settings)] == [("a", 1), ("b", 1)]
    assert compactor.run(lambda: store) == 2
    assert stored(store) == ids(1, 2, 3)
    assert totals(store) == {"read": 5, "kept": 3, "quarantined": 1}
    names = store.table("select distinct source from batches order by 1")["source"].to_pylist()
    assert [name.rpartition(", ")[2] for name in names] == ["a", "b"]
    assert not list(settings.store.incoming.glob("*/*.parquet"))
    assert compactor.run(lambda: store) == 0


def test_a_part_that_comes_again_is_recognized(
    settings: Settings, sent: Nodes, store: Store, compactor: Compactor
) -> None:
    """As when a node is killed after its part was taken, and before it noted that."""
    path = sent.send("a", event(1), b"{")
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    for again in range(3):
        assert compactor.run(lambda: store) == (not again)
        shutil.copy(copy, path)
    assert totals(store) == {"read": 2, "kept": 1, "quarantined": 1}


@pytest.mark.parametrize(
    ("call", "is_done"), [(0, False), (0, True), (1, False), (2, True), (3, True), (4, False)]
)
def test_a_server_killed_in_a_part_goes_on_behind_what_is_kept(
    settings: Settings,
    sent: Nodes,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    call: int,
    is_done: bool,
) -> None:
    monkeypatch.setattr(compaction, "_MOST_ENTRIES", 2)
    # Quarantined records have no ID to recognize them by.
    sent.send("a", event(1), b"{", event(2), b"{", b"{", event(1), b"{", event(3), rows=2)
    calls = 0
    real = pipeline.add

    def killed(*args: Any, **more: Any) -> None:
        nonlocal calls
        calls += 1
        if calls <= call or is_done:
            real(*args, **more)
        if calls > call:
            raise Killed

    monkeypatch.setattr(pipeline, "add", killed)
    with closing(Compactor(settings)) as first:
        if call < 4:
            with pytest.raises(Killed):
                first.run(lambda: store)
        else:
            monkeypatch.setattr(Path, "unlink", killed)  # before the part is deleted
            monkeypatch.setattr(pipeline, "add", real)
            calls, is_done = 9, False
            with pytest.raises(Killed):
                first.run(lambda: store)
    monkeypatch.undo()
    with closing(Compactor(settings)) as second:
        second.run(lambda: store)
    assert stored(store) == ids(1, 2, 3)
    assert totals(store) == {"read": 8, "kept": 3, "quarantined": 4}
    assert not list(settings.store.incoming.glob("*/*.parquet"))


def test_a_record_that_breaks_the_reader_is_quarantined_alone(
    settings: Settings,
    sent: Nodes,
    store: Store,
    compactor: Compactor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = pipeline.add

    def brittle(store: Store, batch: Any, chunk: Any, *more: Any) -> None:
        if any("Thing 2" in text for text in chunk.records["raw"].to_pylist()):
            raise RuntimeError("broken by this one")
        real(store, batch, chunk, *more)

    monkeypatch.setattr(pipeline, "add", brittle)
    sent.send("a", event(1), event(2), event(3))
    assert compactor.run(lambda: store) == 1
    assert stored(store) == ids(1, 3)
    assert totals(store) == {"read": 3, "kept": 2, "quarantined": 1}


def test_files_that_are_no_parts_are_set_aside_and_stop_nothing(
    settings: Settings, sent: Nodes, store: Store, compactor: Compactor
) -> None:
    good = sent.send("a", event(1))
    damaged = sent.send("a", *(event(number) for number in range(2, 50)))
    data = bytearray(damaged.read_bytes())
    data[200] ^= 0xFF
    damaged.write_bytes(data)
    (damaged.parent / parts.name("a", 3)).write_bytes(b"PAR1")
    shutil.copy(good, damaged.parent / parts.name("a", 4))  # says that it is number 1
    pq.write_table(pa.table({"raw": [b"{}"]}), damaged.parent / parts.name("a", 5))
    (damaged.parent / "notes.parquet").write_bytes(b"of somebody")
    sent.send("b", event(60))
    assert compactor.run(lambda: store) == 2
    assert stored(store) == ids(1, 60)
    reasons = {path.stem: path.read_text() for path in (damaged.parent / "set-aside").glob("*.txt")}
    assert len(reasons) == 4
    assert reasons[parts.name("a", 4).removesuffix(".parquet")] == (
        "Its name is that of another part.\n"
    )
    assert reasons[parts.name("a", 5).removesuffix(".parquet")] == "No ingest process wrote it.\n"
    (status, _) = nodes.nodes(store, settings)
    assert status.set_aside == 4
    assert any("4 files of the ingest process a" in text for text in status.problems(utc_now()))
    # Later ones go on.
    sent.send("a", event(70))
    assert compactor.run(lambda: store) == 1


def test_a_missing_part_is_reported_and_taken_when_it_appears(
    settings: Settings, sent: Nodes, store: Store, compactor: Compactor
) -> None:
    sent.send("a", event(1))
    late = sent.send("a", event(2))
    hidden = late.with_name("hidden")
    late.rename(hidden)
    sent.send("a", event(3))
    assert compactor.run(lambda: store) == 2
    (status,) = nodes.nodes(store, settings)
    assert status.missing == 1
    assert any(
        "1 part of the ingest process a never arrived." in text
        for text in status.problems(utc_now())
    )
    with pytest.raises(InputError, match="Known: a"):
        nodes.accept_missing(store, settings, "b")
    assert nodes.accept_missing(store, settings, "a") == 1
    sent.send("a", event(4)).unlink()
    sent.send("a", event(5))
    assert compactor.run(lambda: store) == 1
    (status,) = nodes.nodes(store, settings)
    assert status.missing == 1  # only the one that was lost since
    hidden.rename(late)
    assert compactor.run(lambda: store) == 1
    report = {"seen_at": utc_text(utc_now()), "waiting_bytes": 7}
    (late.parent / REPORT).write_text(json.dumps(report))
    assert nodes.accept_missing(store, settings, "a") == 1
    (status,) = nodes.nodes(store, settings)
    assert (status.missing, status.log_bytes, status.problems(utc_now())) == (0, 7, [])
    (silent,) = status.problems(utc_now() + dt.timedelta(minutes=6))
    assert silent.startswith("The ingest process a has not reported since ")
    assert stored(store) == ids(1, 2, 3, 5)


def test_one_server_takes_parts(
    settings: Settings, sent: Nodes, store: Store, tmp_path: Path
) -> None:
    sent.send("a", event(1))
    with closing(Compactor(settings)) as first, closing(Compactor(settings)) as second:
        assert first.run(lambda: store) == 1
        sent.send("a", event(2))
        with pytest.raises(UnavailableError, match="Another server"):
            second.run(lambda: store)
    path = tmp_path / "other.duckdb"
    with closing(Store.open(path, settings)) as other, closing(Compactor(settings)) as third:
        with pytest.raises(UnavailableError, match="another database"):
            third.run(lambda: other)
        assert stored(other) == {}
        assert third.run(lambda: store) == 1


def test_a_late_part_reopens_the_seal_of_an_archived_day(
    settings: Settings, tmp_path: Path
) -> None:
    kept = settings.store.model_copy(update={"archive": True})
    trail = Trail(settings.model_copy(update={"store": kept}), tmp_path)
    trail.load([sealed_event(number, of) for of in (1, 2, 3) for number in range(3)])
    trail.seal()
    later = NOW + dt.timedelta(days=settings.store.retention_days + 4)
    trail.run(lambda store: fixed_clock.retain(store, trail.settings, later))
    late = [json.dumps(sealed_event(number, 2)).encode() for number in (1, 40, 41)]
    Nodes(trail.settings).send("a", *late)

    def take(store: Store) -> bool:
        with closing(Compactor(trail.settings)) as compactor:
            assert compactor.run(lambda: store) == 1
        assert (totals(store)["kept"], stored(store).total()) == (11, 11)
        return archive.has_late(store, trail.settings.store.cutoff(later))

    assert trail.run(take)
    trail.seal()
    trail.run(lambda store: fixed_clock.retain(store, trail.settings, later))
    trail.seal()
    assert not trail.run(lambda s: archive.has_late(s, trail.settings.store.cutoff(later)))
    assert trail.problems() == []
    lines = trail.run(lambda store: seal_store.lines(lambda sql: store.table(sql).to_pylist()))
    reasons = [line.body["reason"] for line in chain.read(lines) if line.day == day(2)]
    assert "late: +2 events in batch 2" in reasons
    file = archive_place.name(day(2), archive_manifest.NAME)
    stated = json.loads((trail.settings.store.archive_path / file).read_text())
    assert (stated["events"], len(stated["parts"])) == (5, 2)


@given(
    deliveries=st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.lists(st.integers(0, 12), min_size=1, max_size=5),
            st.sampled_from(("", "compact", "retain", "both")),
        ),
        max_size=5,
    )
)
@examples(max_examples=5)
def test_any_parts_over_any_days_lose_and_repeat_nothing(
    settings: Settings,
    empty_database: Path,
    tmp_path_factory: pytest.TempPathFactory,
    deliveries: list[tuple[str, list[int], str]],
) -> None:
    """Numbers 0 to 7 are events, half of them of days that are archived; others are broken."""
    folder = tmp_path_factory.mktemp("example")
    paths = {"path": folder / "trail.duckdb", "archive_path": folder / "archive", "archive": True}
    using = settings.model_copy(update={"store": settings.store.model_copy(update=paths)})
    sent, now = Nodes(using), utc_now().replace(microsecond=0)

    def raw(number: int) -> bytes:
        days = 1 + number % 3 if number < 4 else 120 + number % 3
        return event(number, now - dt.timedelta(days=days)) if number < 8 else b"{%d" % number

    shutil.copy(empty_database, using.store.path)
    with (
        closing(Store.open(using.store.path, using)) as store,
        closing(Compactor(using)) as compactor,
    ):
        for name, numbers, then in deliveries:
            sent.send(name, *map(raw, numbers))
            if then in ("compact", "both"):
                compactor.run(lambda: store)
            if then in ("retain", "both"):
                policy.retain(store, using, now)
        if deliveries:
            compactor.run(lambda: store)
        policy.retain(store, using, now)
        all_sent = [number for _, numbers, _ in deliveries for number in numbers]
        expected = {number for number in all_sent if number < 8}
        assert stored(store) == ids(*expected)
        assert totals(store) == {
            "read": len(all_sent),
            "kept": len(expected),
            "quarantined": sum(number >= 8 for number in all_sent),
        }
        hot = store.table("select event_id from events")["event_id"].to_pylist()
        assert set(hot) == ids(*(number for number in expected if number < 4)).keys()


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3)), max_size=30))
def test_progress_knows_what_was_noted(notes: list[tuple[int, int]]) -> None:
    progress, expected = Progress.of("", 1), dict.fromkeys(range(1, 10), 0)
    for sequence, kept in notes:
        progress.note(sequence, kept, 3)
        expected[sequence] = kept
        progress = Progress.of(progress.mark())
    for sequence, kept in expected.items():
        assert progress.kept(sequence) == (None if kept == 3 else kept)
