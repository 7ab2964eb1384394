"""Fixtures of the pack tests: a trail with seals, decisions and a sign-off; the isolated verifier.

The verifier of the pack runs in a separate process that can import only the standard library and
`cryptography`.
"""

import datetime as dt
import importlib.util
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.segment_records import forwarded
from tests.trail.integrity.conftest import A_DAY, DAYS, NOW, Trail, event
from trail.core.download_stats import Tally
from trail.core.sections import Store as StoreSettings
from trail.core.settings import CONFIG_VARIABLE, Settings
from trail.events import coverage
from trail.evidence import pack, sign_off
from trail.findings import reviews
from trail.findings.model import Finding, Reason
from trail.retention import legal_holds
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

WEEK = "from=2026-11-01T00:00:00Z&to=2026-11-06T00:00:00Z"
AWARE = NOW.replace(tzinfo=dt.UTC)

_REASONS = (
    '[{"detector": "unfamiliar_action", "points": 9, "text": "first time", "facts": {}, '
    '"actions": null, "since": null, "upto": null}]'
)
_FINDING = (
    "insert into findings values ('f1', '2026-11-02', 'users/maya', 'user', 9, "
    f"'{_REASONS}', 'open', 0, now())"
)


@dataclass(frozen=True)
class Checked:
    """Output and exit code of the verifier."""

    code: int
    text: str


Check = Callable[..., Checked]


def made(trail: Trail, query: str = WEEK, now: dt.datetime = AWARE) -> bytes:
    """Return the pack of *query* built at *now*."""

    def build(store: Store) -> bytes:
        return b"".join(
            pack.prepare(store, trail.settings, Filter.parse(query), now).stream(Tally())
        )

    result: bytes = trail.run(build)
    return result


def files(data: bytes) -> dict[str, bytes]:
    """Return the files of a pack."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(pairs: list[tuple[str, bytes]]) -> bytes:
    """Return a ZIP of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in pairs:
            archive.writestr(name, data)
    return out.getvalue()


def _add_activity(trail: Trail) -> None:
    """Add decisions, a sign-off, a legal hold, and coverage with a gap."""
    reason = Reason("unfamiliar_action", 9, "first time", {}, ("Source Modified",))
    result = Finding("f1", dt.date(2026, 11, 2), "users/maya", "user", 9, (reason,))

    def live(store: Store) -> None:
        store.write(lambda cursor: cursor.execute(_FINDING) and None)
        reviews.decide(store, [result], "done", "called her", "rita", frozenset())
        query = Filter.parse(WEEK)
        sign_off.sign(store, trail.settings, query, AWARE, "known", "rita", frozenset())
        legal_holds.add(store, "target", "s1", None, None, "asked for", "maya")
        for start, end in ((1, 3), (4, 8)):
            spans = dt.datetime(2026, 11, start), dt.datetime(2026, 11, end)
            store.write(lambda cursor, at=spans: coverage.note(cursor, "api", "watched", *at))

    trail.run(live)


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trail]:
    """Return a sealed trail of 1 to 5 November with reviews and a legal hold."""
    folder = tmp_path_factory.mktemp("evidence")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("TRAIL_"):
                patch.delenv(name)
        patch.setenv(CONFIG_VARIABLE, str(folder / "none.toml"))
        store = StoreSettings(path=folder / "trail.duckdb", memory="1GB")
        result = Trail(Settings(store=store, workspace="Ærø"), folder)
        odd = forwarded(1, timestamp="2026-11-02T23:00:00.000Z", details={"target": "=1+1\u2028"})
        result.load([*(event(number, of) for of in DAYS for number in range(A_DAY)), odd])
        assert result.seal() == 6
        _add_activity(result)
        yield result


@pytest.fixture(scope="module")
def whole(trail: Trail) -> bytes:
    """Return the pack of the whole week."""
    return made(trail)


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that contains only `cryptography` and its dependencies."""
    folder = tmp_path_factory.mktemp("alone")
    for name in ("cryptography", "cffi", "_cffi_backend"):
        spec = importlib.util.find_spec(name)
        assert spec and spec.origin
        origin = Path(spec.origin)
        source = origin.parent if origin.name.startswith("__init__") else origin
        (folder / source.name).symlink_to(source)
    return folder


@pytest.fixture
def check(tmp_path: Path, whole: bytes, alone: Path) -> Check:
    """Return `check(data, *more)`: the result of the pack's verifier for the ZIP *data*."""
    script = tmp_path / "verify.py"
    script.write_bytes(files(whole)["verify.py"])

    def run(data: bytes | Path, *more: str) -> Checked:
        path = data if isinstance(data, Path) else tmp_path / "evidence.zip"
        if isinstance(data, bytes):
            path.write_bytes(data)
        done = subprocess.run(
            [sys.executable, "-S", str(script), str(path), *more],
            env={"PYTHONPATH": str(alone)},
            cwd=tmp_path,
            capture_output=True,
            check=False,
            text=True,
        )
        assert "Traceback" not in done.stderr
        return Checked(done.returncode, done.stdout + done.stderr)

    return run
