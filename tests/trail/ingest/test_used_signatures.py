"""Used signatures: one comes with one set of records, whatever fails, stops or happens at once."""

import datetime as dt
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from trail.core.clock import utc_now
from trail.core.errors import UnavailableError
from trail.core.model import Received, RefusedError
from trail.ingest import used_signatures
from trail.ingest.used_signatures import Proof, proof_of
from trail.ingest.write_ahead_log import Entry, Journal, read, signatures_beside

MB = 1_048_576
SIGNED = b"s" * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "t.intake"


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    opened = Journal(folder, MB)
    yield opened
    opened.close()


def proof(*records: bytes, signature: bytes = SIGNED, other_proof: bool = False) -> Proof:
    made = proof_of(
        Received(records, (True,) * len(records), signature=signature, other_proof=other_proof)
    )
    assert made
    return made


def accepted(journal: Journal, made: Proof, text: bytes = b"x") -> bool:
    try:
        journal.append([Entry("webhook", text, True)], made).result(5)
    except RefusedError as refused:
        assert refused.status == 401
        return False
    return True


def written(journal: Journal) -> list[bytes]:
    return [entry.raw for path in journal.closed() for entry in read(path)]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ((b"1", b"2", b"3"), True),
        ((b"1", b"2", b"4"), False),
        ((b"1", b"3", b"2"), False),
        ((b"1", b"2"), False),
        ((b"1",), False),
        ((b"1", b"2", b"3", b"4"), False),
        ((b"1", b"23"), False),
    ],
)
def test_only_the_same_records_are_accepted_again(
    journal: Journal, other: tuple[bytes, ...], expected: bool
) -> None:
    assert accepted(journal, proof(b"1", b"2", b"3"))
    assert accepted(journal, proof(*other), b"again") is expected
    assert (b"again" in written(journal)) is expected
    assert journal.waiting_bytes == sum(path.stat().st_size for path in journal.closed())


def test_another_signature_is_independent(journal: Journal) -> None:
    assert accepted(journal, proof(b"1"))
    assert accepted(journal, proof(b"2", signature=b"t" * 20))


def test_another_proof_of_all_records_is_accepted_and_protects_the_signature(
    journal: Journal,
) -> None:
    assert accepted(journal, proof(b"1", b"2", other_proof=True))
    assert not accepted(journal, proof(b"1", b"forged"))
    assert accepted(journal, proof(b"1", b"3", other_proof=True))


def test_signatures_survive_a_kill(folder: Path, journal: Journal) -> None:
    assert accepted(journal, proof(b"1"))
    # Not closed: as after a kill.
    second = Journal(folder, MB)
    assert not accepted(second, proof(b"1", b"2"))
    assert accepted(second, proof(b"1"))
    second.close()
    assert signatures_beside(folder).stat().st_mode & 0o777 == 0o600


def test_of_many_at_once_exactly_one_is_accepted(journal: Journal) -> None:
    results: list[bool] = []
    ready = threading.Barrier(16)

    def send(number: int) -> None:
        made = proof(b"1", b"%d" % number)
        ready.wait()
        results.append(accepted(journal, made, b"%d" % number))

    senders = [threading.Thread(target=send, args=(number,)) for number in range(16)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sorted(results) == [False] * 15 + [True]
    assert len(written(journal)) == 1


def test_a_signature_is_not_used_up_by_a_failed_write(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", broken)
        with pytest.raises(UnavailableError):
            accepted(journal, proof(b"1", b"2"), b"failed")
    assert accepted(journal, proof(b"1", b"3"), b"retried")
    assert written(journal) == [b"retried"]
    assert journal.waiting_bytes == sum(path.stat().st_size for path in journal.closed())


def test_a_request_cancelled_before_it_is_written_uses_nothing_up(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the sender was told after four seconds to try again later."""
    registered, cancelled = threading.Event(), threading.Event()
    real = os.fdatasync

    def slow(file: int) -> None:
        registered.wait(5)
        real(file)

    monkeypatch.setattr(os, "fdatasync", slow)
    first = journal.append([Entry("webhook", b"first", True)])
    first.add_done_callback(lambda _: cancelled.wait(5))  # holds up the thread that writes
    registered.set()
    first.result(5)
    late = journal.append([Entry("webhook", b"late", True)], proof(b"1", b"2"))
    assert late.cancel()
    cancelled.set()
    assert accepted(journal, proof(b"1", b"3"), b"retried")
    assert written(journal) == [b"first", b"retried"]
    assert journal.waiting_bytes == sum(path.stat().st_size for path in journal.closed())


def test_a_damaged_file_starts_anew(folder: Path, journal: Journal) -> None:
    signatures_beside(folder).write_bytes(b"this is not a database" * 100)
    with pytest.raises(UnavailableError):
        accepted(journal, proof(b"1"), b"refused")
    assert accepted(journal, proof(b"1"), b"retried")
    assert written(journal) == [b"retried"]


@pytest.mark.parametrize("bound", ["age", "number"])
def test_old_signatures_are_removed(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    assert accepted(journal, proof(b"1"))
    if bound == "age":
        later = utc_now() + used_signatures.MAX_AGE + dt.timedelta(days=1)
        monkeypatch.setattr(used_signatures, "utc_now", lambda: later)
    else:
        monkeypatch.setattr(used_signatures, "MAX_SIGNATURES", 1)
    assert not accepted(journal, proof(b"1", b"2"))
    assert accepted(journal, proof(b"9", signature=b"t" * 20))
    assert accepted(journal, proof(b"1", b"2"))
