"""Shared fixtures, the order of the files, and a check of parameter ids."""

import functools
import gc
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bcrypt
import hypothesis
import pytest

from trail.accounts import passwords
from trail.core.model import Batch
from trail.core.sections import Auth
from trail.core.sections import Store as StoreSettings
from trail.core.settings import CONFIG_VARIABLE, Settings
from trail.ingest.files import load_files
from trail.storage import cube
from trail.storage.duckdb import Store

# Examples write to a database file; their duration depends on the machine.
hypothesis.settings.register_profile(
    "trail",
    max_examples=30,
    deadline=None,
    suppress_health_check=[
        hypothesis.HealthCheck.function_scoped_fixture,
        hypothesis.HealthCheck.too_slow,
    ],
)
hypothesis.settings.load_profile("trail")

# Most tests write to database files. In memory, they do not wait for the disk.
_IN_MEMORY, _NEEDED_BYTES = Path("/dev/shm"), 4 << 30
if (
    os.access(_IN_MEMORY, os.W_OK)
    and shutil.disk_usage(_IN_MEMORY).free >= _NEEDED_BYTES
    and not os.statvfs(_IN_MEMORY).f_flag & os.ST_NOEXEC  # some tests run what they install
):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_IN_MEMORY))

# Servers and commands that tests start need not compile the same modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

Load = Callable[..., Batch]
CORPORA_VARIABLE = "TRAIL_CORPORA"
# gzip, Zstandard, zip: a header can contain the time of packing.
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04")


def pytest_make_parametrize_id(val: object, argname: str) -> None:
    """Reject compressed bytes as an id: workers that import in different seconds would differ."""
    if isinstance(val, bytes) and val.startswith(_COMPRESSED) and len(val) > 8:
        raise pytest.UsageError(f"Give the compressed value of {argname!r} an explicit id.")


def pytest_collection() -> None:
    """Collect tests without searching for garbage among what stays: it is a third of the time."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Search for garbage again, but not among the tests and modules that are there."""
    gc.enable()
    gc.freeze()


@pytest.hookimpl(trylast=True)  # after the shuffle
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with files that run browsers and servers, then those with most tests.

    They take longest; a worker would run one that comes last alone, while the others have ended.
    Those of a folder follow one another, since they share a server and a browser.
    """
    tests = Counter(item.path for item in items)

    def rank(item: pytest.Item) -> tuple[bool, bool, str, int]:
        markers = {marker.name for marker in item.iter_markers()}
        folder = str(item.path.parent) if markers & {"browser", "server"} else ""
        return "browser" not in markers, "server" not in markers, folder, -tests[item.path]

    first: dict[Path, tuple[bool, bool, str, int]] = {}
    for item in items:
        first[item.path] = min(rank(item), first.get(item.path, rank(item)))
    places = {path: place for place, path in enumerate(sorted(first, key=first.__getitem__))}
    items.sort(key=lambda item: places[item.path])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Return the workers of `-n auto`: one more than processors.

    Tests of browsers and servers wait as much as they compute.
    """
    chosen = "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ
    return None if chosen else (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session", autouse=True)
def lowest_cost_of_passwords() -> Iterator[None]:
    """Hash passwords at the lowest cost that a server accepts: a quarter of the time of each."""
    real = bcrypt.gensalt
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bcrypt, "gensalt", lambda rounds=passwords.MIN_COST: real(rounds))
        yield


@pytest.fixture(scope="session", autouse=True)
def main_file() -> Iterator[None]:
    """Give a worker of xdist a main file: without one, Spark's client looks for its own tests."""
    with pytest.MonkeyPatch.context() as patch:
        main = sys.modules["__main__"]
        if not hasattr(main, "__file__"):
            patch.setattr(main, "__file__", "pytest", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def packages_searched_once() -> Iterator[None]:
    """Search the installed packages for components once, where Streamlit is used at all.

    Each run of an `AppTest` would read the metadata of all packages again.
    """
    with pytest.MonkeyPatch.context() as patch:
        if "streamlit" in sys.modules:
            from streamlit.components.v2 import manifest_scanner

            search = functools.cache(manifest_scanner.scan_component_manifests)
            patch.setattr(manifest_scanner, "scan_component_manifests", search)
        yield


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords at the lowest cost of bcrypt, which no server accepts."""
    cheap = bcrypt.gensalt(4)
    monkeypatch.setattr(bcrypt, "gensalt", lambda *_: cheap)


def default_settings(folder: Path, patch: pytest.MonkeyPatch) -> Settings:
    """Return the default settings, without those of the machine; all files are in *folder*."""
    for name in list(os.environ):
        if name.startswith("TRAIL_") and name != CORPORA_VARIABLE:
            patch.delenv(name)
    patch.setenv(CONFIG_VARIABLE, str(folder / "no-such-trail.toml"))
    return Settings(
        store=StoreSettings(
            path=folder / "trail.duckdb", archive_path=folder / "archive", memory="1GB"
        ),
        auth=Auth(users_path=folder / "users.yaml"),
    )


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the default settings, without those of the machine; all files are in tmp_path."""
    return default_settings(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with all tables and no rows, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "trail.duckdb"
    Store.open(path, Settings()).close()
    return path


@pytest.fixture
def store(settings: Settings, empty_database: Path) -> Iterator[Store]:
    """Return an open, empty store that is closed after the test."""
    shutil.copy(empty_database, settings.store.path)
    opened = Store.open(settings.store.path, settings)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def module_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Return the default settings, whose files are in a folder of the module."""
    with pytest.MonkeyPatch.context() as patch:
        yield default_settings(tmp_path_factory.mktemp("module"), patch)


@pytest.fixture(scope="module")
def module_store(module_settings: Settings, empty_database: Path) -> Iterator[Store]:
    """Return an open, empty store to be filled once, for the tests of a module that only read."""
    shutil.copy(empty_database, module_settings.store.path)
    opened = Store.open(module_settings.store.path, module_settings)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def module_load(module_store: Store, module_settings: Settings) -> Callable[[bytes], Batch]:
    """Return `load(data)`, which loads lines of JSON into the store of the module."""

    def load_lines(data: bytes) -> Batch:
        path = module_settings.store.path.with_name("events.ndjson")
        path.write_bytes(data)
        return next(load_files(module_store, module_settings, [path]))

    return load_lines


@pytest.fixture
def load(store: Store, settings: Settings, tmp_path: Path) -> Load:
    """Return `load(data, name="events.ndjson", dry_run=False, into=store)`, which gives a batch.

    The bytes are written to a file of that name and loaded as by `python -m trail load`.
    """

    def load_bytes(
        data: bytes,
        name: str = "events.ndjson",
        *,
        dry_run: bool = False,
        into: Store = store,
        using: Settings = settings,
    ) -> Batch:
        folder = tmp_path / "files"
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.write_bytes(data)
        return next(load_files(into, using, [path], dry_run=dry_run))

    return load_bytes


def rows(store: Store, order: str = "occurred_at, event_id") -> list[dict[str, Any]]:
    """Return all events with all columns."""
    return store.table(
        f"select * exclude (recorded_actor_id) from event_rows order by {order}"
    ).to_pylist()


def row(store: Store, event_id: str) -> dict[str, Any]:
    """Return the event with this id; there must be exactly one."""
    events = store.table(
        "select * exclude (recorded_actor_id) from event_rows where event_id = $id",
        {"id": event_id},
    )
    assert events.num_rows == 1
    return dict(events.to_pylist()[0])


def quarantine(store: Store, batch: Batch) -> list[dict[str, Any]]:
    """Return the quarantined records of the batch by line: line, reason, raw, raw_bytes."""
    return store.table(
        "select line, reason, raw, raw_bytes from quarantine where batch_id = $batch "
        "order by line, reason, raw",
        {"batch": batch.batch_id},
    ).to_pylist()


def counted(store: Store) -> tuple[list[Any], list[Any]]:
    """Return the hourly counts of both tables and the same counts of the events."""
    kept: list[Any] = []
    events: list[Any] = []
    for table, keys in cube.KEYS.items():
        hourly = f"select hour, {keys}, sum(n)::bigint as n from {table} group by all order by all"
        kept += store.table(hourly).to_pylist()
        events += store.table(f"{cube.counted(table)} order by all").to_pylist()
    return kept, events


def corpora() -> Path:
    """Return the folder of hostile inputs; skip the test without one."""
    folder = os.environ.get(CORPORA_VARIABLE)
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"set {CORPORA_VARIABLE} to the folder of the corpora")
    return Path(folder)
