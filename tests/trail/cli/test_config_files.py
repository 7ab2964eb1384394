"""`export-config` and `apply`: files of a folder, and what they would change."""

import json
from pathlib import Path

from tests import in_process
from trail.core.settings import Settings
from trail.notifications import rule_store
from trail.storage.database import Store


def test_files_are_applied_once(settings: Settings, empty_database: Path, tmp_path: Path) -> None:
    settings.store.path.write_bytes(empty_database.read_bytes())
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "rules.yaml").write_text("rules:\n- name: Any\n  daily_cap: 7\n")

    def run(*arguments: str) -> tuple[object, str, str]:
        environment = {
            "TRAIL_CONFIG": str(tmp_path / "none.toml"),
            "TRAIL_STORE__PATH": str(settings.store.path),
            "TRAIL_AUTH__USERS_PATH": str(tmp_path / "users.yaml"),
        }
        return in_process.run(arguments, environment, tmp_path)

    assert run("apply", "config", "--dry-run")[:2] == (
        0,
        "+ rules: Any\n    daily_cap: default → 7\n1 change would be made (dry run), 0 unchanged\n",
    )
    assert json.loads(run("apply", "config", "--json")[1])["same"] == 0
    assert run("apply", "config")[:2] == (0, "0 changes made, 1 unchanged\n")
    assert run("export-config", "again")[0] == 0
    assert (tmp_path / "again/rules.yaml").read_text() == (folder / "rules.yaml").read_text()
    code, _, messages = run("apply", "missing")
    assert (code, "missing: no file to apply" in messages) == (1, True)
    store = Store.open(settings.store.path, settings)
    assert [rule.name for rule in rule_store.list_all(store)] == ["Any"]
    store.close()
