"""The journal keeps what it acknowledged, whatever happens to its files or its disk."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.core.errors import UnavailableError
from trail.ingest.write_ahead_log import Entry, Journal, read

MB = 1_048_576


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "t.intake", MB)
    yield opened
    opened.close()


def entries(*texts: bytes) -> list[Entry]:
    return [Entry("webhook", text, True) for text in texts]


def whole(journal: Journal) -> list[Entry]:
    return [entry for path in journal.closed() for entry in read(path)]


ENTRIES = st.builds(
    Entry, st.text(max_size=5), st.binary(), st.booleans(), st.booleans(), st.text(max_size=5)
)


@given(st.lists(ENTRIES))
def test_what_goes_in_comes_out(
    tmp_path_factory: pytest.TempPathFactory, given_entries: list[Entry]
) -> None:
    journal = Journal(tmp_path_factory.mktemp("j") / "t.intake", MB)
    journal.append(given_entries).result(5)
    assert whole(journal) == given_entries
    journal.close()


def test_what_was_acknowledged_is_there_for_the_next_process(tmp_path: Path) -> None:
    first = Journal(tmp_path / "j", MB)
    first.append(entries(b"one")).result(5)
    # Not closed: as after a kill.
    second = Journal(tmp_path / "j", MB)
    second.append(entries(b"two")).result(5)
    assert [entry.raw for entry in whole(second)] == [b"one", b"two"]
    first.close()
    second.close()


def test_files_are_for_their_user_alone(tmp_path: Path, journal: Journal) -> None:
    journal.append(entries(b"x")).result(5)
    (path,) = journal.closed()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_cut_at_any_byte_gives_the_frames_that_are_whole(
    tmp_path: Path, journal: Journal
) -> None:
    texts = [b"alpha", b"", b"gamma" * 9]
    journal.append(entries(*texts)).result(5)
    data = journal.closed()[0].read_bytes()
    cut = tmp_path / "cut.journal"
    seen = set()
    for length in range(len(data) + 1):
        cut.write_bytes(data[:length])
        result = [entry.raw for entry in read(cut)]
        assert result == texts[: len(result)]
        seen.add(len(result))
    assert seen == {0, 1, 2, 3}


def test_a_flipped_bit_never_gives_another_record(tmp_path: Path, journal: Journal) -> None:
    texts = [b"alpha", b"beta"]
    journal.append(entries(*texts)).result(5)
    data = bytearray(journal.closed()[0].read_bytes())
    flipped = tmp_path / "flipped.journal"
    for bit in range(8 * len(data)):
        data[bit // 8] ^= 1 << bit % 8
        flipped.write_bytes(bytes(data))
        assert [entry.raw for entry in read(flipped)] in ([], [b"alpha"])
        data[bit // 8] ^= 1 << bit % 8


def test_a_full_journal_refuses_and_takes_again_once_emptied(journal: Journal) -> None:
    big = entries(b"x" * (MB // 2))
    journal.append(big).result(5)
    with pytest.raises(UnavailableError):
        journal.append(big).result(5)
    for path in journal.closed():
        journal.forget(path)
    assert journal.waiting_bytes == 0
    journal.append(big).result(5)


def test_a_full_disk_refuses_and_loses_nothing(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(entries(b"before")).result(5)
    real = os.write

    def full(file: int, data: bytes) -> int:
        real(file, bytes(data)[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(UnavailableError, match="No space left"):
        journal.append(entries(b"refused")).result(5)
    monkeypatch.setattr(os, "write", real)
    journal.append(entries(b"after")).result(5)
    assert [entry.raw for entry in whole(journal)] == [b"before", b"after"]


def test_a_failed_sync_is_no_acknowledgement(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(UnavailableError):
        journal.append(entries(b"x")).result(5)
    monkeypatch.undo()
    journal.append(entries(b"y")).result(5)
    assert b"y" in [entry.raw for entry in whole(journal)]


def test_a_closed_journal_refuses(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", MB)
    done = journal.append(entries(b"x"))
    journal.close()
    assert done.result(5) is None
    with pytest.raises(UnavailableError):
        journal.append(entries(b"y")).result(5)
