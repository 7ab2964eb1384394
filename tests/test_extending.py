"""The examples of docs/extending.md work: each as one new file in a copy of the repository.

The example of a page is one of the pages of tests/server/test_roles_matrix.py.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.doc_examples import EXAMPLES

ROOT = Path(__file__).parents[1]
# Shows in the copy that a new file does its work, beyond its contract.
CHECKS = {
    "loaders/piped.py": """
        file = folder / "events"
        file.write_text("2026-11-24T11:58:00Z|Source Deleted|users/u1\\n")
        (batch,) = load_files(store, settings, [file])
        assert (batch.loader, batch.kept) == ("piped", 1), batch
    """,
    "loaders/logs.py": """
        (folder / "logs").mkdir()
        (folder / "logs" / "a.json").write_bytes(ndjson([api_event(1), api_event(2)]))
        os.environ["TRAIL_LOGS__PATH"] = str(folder / "logs")
        (drop,) = [loader for loader in of_kind(Drop) if loader.configured(load())]
        assert [batch.kept for batch in load_drop(store, load(), drop)] == [2]
        assert "TRAIL_LOGS__PATH" in docs.settings.text()
    """,
    "trail/cli/commands/newest.py": """
        (folder / "event.ndjson").write_bytes(ndjson([api_event(1)]))
        for arguments in (["load", str(folder / "event.ndjson")], ["newest"]):
            os.environ["TRAIL_STORE__PATH"] = str(folder / "commands.duckdb")
            assert main(arguments) == 0
    """,
    "forwarders/ntfy.py": """
        with Receiver() as receiver:
            given = {"url": receiver.url, "topic": "audit"}
            forward = Forward(allow_loopback=True)
            made = Destination(0, "ntfy", "phones", given)
            number = store.write(lambda cursor: destinations.add(cursor, made, forward, "owner"))
            body = {"action": "Source Deleted", "kind": "delete", "actor_name": "Mara"}
            store.write(lambda c: deliveries.enqueue(c, number, "event", "e1", body, utc_now()))
            outbox = Forwarding(settings.model_copy(update={"forward": forward}), lambda: store)
            outbox.run_once(until_done=True)
            outbox.close()
        (taken,) = receiver.taken
        assert "Mara deleted a source." in taken.json["message"], taken
    """,
}
PRELUDE = """
import os, sys, tempfile
from pathlib import Path
import docs.settings
from tests.receiver import Receiver
from tests.segment_records import api_event, ndjson
from trail.ingest.files import load_drop, load_files
from trail.cli.main import main
from trail.core.model import Drop
from trail.notifications import deliveries, destinations
from trail.notifications.destination import Destination
from trail.notifications.worker import Forwarding
from trail.core.registry import of_kind
from trail.core.sections import Forward
from trail.core.settings import load
from trail.core.clock import utc_now
from trail.storage.duckdb import Store
folder = Path(sys.argv[1])
settings = load(store={"path": folder / "trail.duckdb"})
store = Store.open(folder / "trail.duckdb", settings)
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the repository with every example as one new file."""
    root = tmp_path_factory.mktemp("copy")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file() and not name.startswith("docs/img/"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, root / name)
    for name, code in EXAMPLES.items():
        assert not (root / name).exists(), f"{name} is no new file"
        (root / name).write_text(code)
    return root


def run(copy: Path, *arguments: str) -> str:
    """Run Python in the copy and return its output."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("TRAIL_")
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env={**environment, "PYTHONPATH": str(copy), "TRAIL_CONFIG": str(copy / "trail.toml")},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_kind_has_an_example() -> None:
    assert {name.partition("/")[0] for name in EXAMPLES} == {
        "loaders",
        "pages",
        "detectors",
        "forwarders",
        "trail",
    }


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_has_at_most_20_lines_of_code(name: str) -> None:
    assert len([line for line in EXAMPLES[name].splitlines() if line.strip()]) <= 20


@pytest.mark.parametrize("name", CHECKS)
def test_example_works(name: str, copy: Path, tmp_path: Path) -> None:
    code = "\n".join(line[8:] for line in CHECKS[name].splitlines())
    run(copy, "-c", f"{PRELUDE}{code}\nstore.close()\n", str(tmp_path))


def test_examples_pass_their_contract_tests(copy: Path) -> None:
    """The contract tests find the new files by themselves; a detector's examples make it fire."""
    examples = [Path(name) for name in EXAMPLES if not name.startswith("pages")]
    words = {path: {path.stem, path.stem.replace("_", "-")} for path in examples}
    keyword = " or ".join(sorted({word for both in words.values() for word in both}))
    files = sorted({f"tests/test_contract_{path.parent.name}.py" for path in examples})
    out = run(copy, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-k", keyword, *files)
    for path, both in words.items():
        test = rf"test_contract_{path.parent.name}\.py::.*({'|'.join(both)}).* PASSED"
        assert re.search(test, out), (path, out)
