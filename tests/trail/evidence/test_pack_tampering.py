"""The verifier detects every change of a pack and accepts an unmodified one."""

import ast
import hashlib
import io
import json
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests import fixed_clock
from tests.trail.evidence.conftest import WEEK, Check, files, made, zipped
from tests.trail.integrity.conftest import A_DAY, Trail, event
from trail.integrity import key_file, standalone_verifier

Files = dict[str, bytes]


def test_an_unmodified_pack_verifies_zipped_and_unpacked(
    whole: bytes, check: Check, tmp_path: Path, trail: Trail
) -> None:
    folder = tmp_path / "unpacked"
    folder.mkdir()
    for name, data in files(whole).items():
        (folder / name).write_bytes(data)
    mark = key_file.fingerprint(key_file.public(trail.files.key))
    for item in (whole, folder):
        result = check(item, "--key", mark)
        assert result.code == 0, result.text
        assert result.text.count("unchanged") == 5  # one of them without an event
        assert "2026-11-02  unchanged, 41 events" in result.text
        assert f"fingerprint {mark}" in result.text
        assert "Gap: No source was collecting" in result.text
        assert "No problems found." in result.text


def test_the_readme_lists_every_file_and_the_actual_steps(whole: bytes) -> None:
    result = files(whole)
    page = result["README.txt"].decode()
    assert all(f"  {name}" in page for name in result)
    assert "python3 evidence/verify.py evidence.zip" in page
    assert "does NOT prove" in page.replace("What it ", "")
    assert max(map(len, page.splitlines())) <= 100
    assert result["verify.py"] == Path(standalone_verifier.__file__).read_bytes()


def test_the_verifier_needs_one_package() -> None:
    tree = ast.parse(Path(standalone_verifier.__file__).read_text())
    names = {
        (node.module or "").partition(".")[0]
        if isinstance(node, ast.ImportFrom)
        else node.names[0].name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert names - set(sys.stdlib_module_names) == {"cryptography"}


def edit_row(pack_files: Files) -> None:
    pack_files["events.ndjson"] = pack_files["events.ndjson"].replace(b"Web shop", b"Web shap", 1)


def edit_csv(pack_files: Files) -> None:
    pack_files["events.csv"] = pack_files["events.csv"].replace(b"Web shop", b"Web shap", 1)


def drop_row(pack_files: Files) -> None:
    pack_files["events.ndjson"] = pack_files["events.ndjson"].split(b"\n", 1)[1]


def drop_file(pack_files: Files) -> None:
    del pack_files["events.csv"]


def drop_events(pack_files: Files) -> None:
    del pack_files["events.ndjson"]


def add_file(pack_files: Files) -> None:
    pack_files["notes.txt"] = b"as agreed"


def swap_seal(pack_files: Files) -> None:
    lines = pack_files["seals.ndjson"].splitlines(keepends=True)
    lines[0], lines[1] = lines[1], lines[0]
    pack_files["seals.ndjson"] = b"".join(lines)


def cut_seals(pack_files: Files) -> None:
    pack_files["seals.ndjson"] = b"".join(pack_files["seals.ndjson"].splitlines(keepends=True)[:-1])


def change_manifest(pack_files: Files) -> None:
    pack_files["manifest.json"] = pack_files["manifest.json"].replace(b"called her", b"called him")


def change_verifier(pack_files: Files) -> None:
    pack_files["verify.py"] += b"\n"


def drop_signature(pack_files: Files) -> None:
    del pack_files["signature.json"]


def drop_manifest(pack_files: Files) -> None:
    del pack_files["manifest.json"]


def broken_manifest(pack_files: Files) -> None:
    pack_files["manifest.json"] = b"[" * 100_000


def relisted(pack_files: Files) -> None:
    """Edit a row and update the manifest: only the signature reveals it."""
    edit_row(pack_files)
    message = json.loads(pack_files["manifest.json"])
    for file in message["files"]:
        file["sha256"] = hashlib.sha256(pack_files[file["name"]]).hexdigest()
    pack_files["manifest.json"] = json.dumps(message).encode()


NAMED = "does not match the manifest"
UNSIGNED = "manifest.json does not match its signature"
ATTACKS: list[tuple[Callable[[Files], None], str]] = [
    (edit_row, f"events.ndjson {NAMED}"),
    (edit_row, "2026-11-01 CHANGED: 40 events"),
    (edit_csv, f"events.csv {NAMED}"),
    (drop_row, "events.ndjson has 160 events, the manifest states 161"),
    (drop_row, "2026-11-01 MISSING: 39 of 40"),
    (drop_file, "events.csv is missing"),
    (drop_events, "events.ndjson is missing"),
    (add_file, "notes.txt is not in the manifest"),
    (swap_seal, "seal 2 of 2026-11-02 is in the place of seal 1"),
    (cut_seals, "seals.ndjson has 4 seals"),
    (change_manifest, UNSIGNED),
    (change_verifier, f"verify.py {NAMED}"),
    (drop_signature, "the manifest is not signed"),
    (drop_manifest, "the manifest is not signed"),
    (broken_manifest, UNSIGNED),
    (relisted, UNSIGNED),
]


@pytest.mark.parametrize(("attack", "words"), ATTACKS)
def test_tampering_is_detected(
    whole: bytes, check: Check, attack: Callable[[Files], None], words: str
) -> None:
    answer = files(whole)
    attack(answer)
    result = check(zipped(list(answer.items())))
    assert (result.code, f"PROBLEM: {words}" in result.text) == (1, True), result.text
    assert "Do not rely on this pack" in result.text


def test_a_duplicate_file_is_detected(whole: bytes, check: Check) -> None:
    pairs = list(files(whole).items())
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = zipped([*pairs, ("events.csv", b"another")])
    result = check(data)
    assert (result.code, "events.csv is in the pack more than once" in result.text) == (1, True)


def test_corrupted_bytes_are_detected(whole: bytes, check: Check) -> None:
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        for item in archive.infolist():
            at = item.header_offset + 30 + len(item.filename) + 20 + item.compress_size // 2
            result = check(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert result.code == 1, item.filename
    assert check(whole[: len(whole) // 2]).code == 2


def test_a_pack_signed_with_another_key_is_detected_by_fingerprint(
    whole: bytes, check: Check, trail: Trail
) -> None:
    """A pack recreated by somebody else verifies by itself: only the fingerprint differs."""
    answer = files(whole)
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw().hex()
    prev, lines = "0" * 64, []
    for text in answer["seals.ndjson"].decode().splitlines():
        body = {k: v for k, v in json.loads(text).items() if k not in ("seal", "key", "signature")}
        body["prev"] = prev
        canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        prev = hashlib.sha256(canonical.encode()).hexdigest()
        signature = key.sign(standalone_verifier.CONTEXT + prev.encode()).hex()
        lines.append(json.dumps({**body, "seal": prev, "key": public, "signature": signature}))
    answer["seals.ndjson"] = "".join(f"{line}\n" for line in lines).encode()
    message = json.loads(answer["manifest.json"])
    for file in message["files"]:
        data = answer[file["name"]]
        file |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    answer["manifest.json"] = json.dumps(message).encode()
    digest = hashlib.sha256(answer["manifest.json"]).hexdigest()
    made_up = key.sign(standalone_verifier.PACK_CONTEXT + digest.encode()).hex()
    answer["signature.json"] = json.dumps({"key": public, "signature": made_up}).encode()
    data = zipped(list(answer.items()))
    assert check(data).code == 0
    result = check(data, "--key", key_file.fingerprint(key_file.public(trail.files.key)))
    assert (result.code, "manifest.json was signed by a different key" in result.text) == (1, True)
    assert standalone_verifier.fingerprint(public) == key_file.fingerprint(public)


def test_a_filtered_pack_states_what_cannot_be_checked(trail: Trail, check: Check) -> None:
    result = check(made(trail, f"{WEEK}&q=-target:nothing&action=Source Modified"))
    assert result.code == 0, result.text
    assert "This pack is filtered" in result.text
    part = check(made(trail, f"{WEEK}&q=id:evt_*1"))
    assert "This pack is filtered" in part.text
    # Half a day is not a complete day, with or without a filter.
    half = check(made(trail, "from=2026-11-01T05:00:00Z&to=2026-11-02T00:00:00Z"))
    assert half.code == 0
    assert re.search(r"2026-11-01  partial: 30 of 40 sealed events", half.text), half.text


def test_accepted_days_are_reported(trail: Trail, tmp_path: Path, check: Check) -> None:
    given = trail.settings.store.model_copy(update={"path": tmp_path / "accepted.duckdb"})
    other = Trail(trail.settings.model_copy(update={"store": given}), tmp_path)
    other.load([event(number, 1) for number in range(A_DAY)])
    other.seal()
    other.sql("delete from events where occurred_at < '2026-11-01 00:10'")
    result = check(made(other))
    assert (result.code, "2026-11-01 MISSING: 39 of 40" in result.text) == (1, True), result.text
    other.run(lambda store: fixed_clock.accept(store, other.settings, "a test\x1b[2J", "maya"))
    data = made(other)
    result = check(data)
    assert result.code == 0
    words = "accepted by maya as it was then (accepted: a test?[2J)"
    assert f"2026-11-01  unchanged, 39 events; {words}" in result.text
    message = json.loads(files(data)["manifest.json"])
    (accepted,) = message["seals"]["accepted"]
    assert (accepted["day"], accepted["made_by"]) == ("2026-11-01", "maya")
