"""`views`: what administrators see and delete on the command line."""

import json
from pathlib import Path

from tests import in_process
from trail.core.settings import Settings
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.views import saved_views
from trail.views.view import Viewer


def test_views_are_listed_shown_and_deleted(
    settings: Settings, empty_database: Path, tmp_path: Path
) -> None:
    settings.store.path.write_bytes(empty_database.read_bytes())
    store = Store.open(settings.store.path, settings)
    maya = Viewer("maya", "Maya \x1b[2JLind")
    filter_ = Filter.parse("kind=delete&q=prod")
    shared = saved_views.create(store, maya, "Ours", filter_, shared=True)
    private = saved_views.create(store, maya, "Mine", filter_)
    store.close()

    def run(*arguments: str) -> tuple[object, str, str]:
        environment = {
            "TRAIL_CONFIG": str(tmp_path / "none.toml"),
            "TRAIL_STORE__PATH": str(settings.store.path),
            "TRAIL_AUTH__USERS_PATH": str(tmp_path / "users.yaml"),
        }
        return in_process.run(["views", *arguments], environment, tmp_path)

    code, output, _ = run("list")
    assert (code, "Mine" in output, "\x1b" in output) == (0, False, False)
    assert f"{shared}  Ours" in output
    rows = [json.loads(line) for line in run("list", "--json")[1].splitlines()]
    assert [row["name"] for row in rows][-1] == "Ours"
    assert run("show", shared)[:2] == (0, "kind=delete&q=prod\n")
    for refused in (private, "failures", "nope"):
        code, _, messages = run("delete", refused)
        assert code == 1 and ("not found" in messages or "read-only" in messages)
    assert run("delete", shared)[:2] == (0, "delete: Ours\n")
    assert "Ours" not in run("list")[1]
