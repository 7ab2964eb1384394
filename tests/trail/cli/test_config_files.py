"""`export-config` and `apply`: files of a folder, and what they would change."""

import json
from pathlib import Path

from tests import in_process
from tests.trail.notifications.conftest import KEY
from trail.core import settings as core_settings
from trail.core import stored_settings
from trail.core.settings import Settings
from trail.core.stored_settings import Entry
from trail.notifications import rule_store
from trail.storage.duckdb import Store

SECRET = "forward.secrets.hook"
HOOK = """destinations:
- name: Hook
  kind: webhook
  settings: {url: "https://hooks.example.com/"}
  secrets: {key: hook}
"""


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
    box = core_settings.box_of(settings)
    with stored_settings.changing(stored_settings.path_of(settings.store.path)) as entries:
        entries[SECRET] = Entry(secret=box.encrypt(SECRET, KEY, new_key=True))
    (folder / "destinations.yaml").write_text(HOOK)
    assert run("apply", "config")[1].endswith("1 change made, 1 unchanged\n")
    (folder / "destinations.yaml").write_text("destinations: []\n")
    lines = f"- destinations: Hook\n- secrets: {SECRET}\n1 change"
    for options, made in ((("--dry-run",), "would be made (dry run)"), ((), "made")):
        output = run("apply", "config", "--prune", *options)[1]
        assert output == f"{lines} {made}, 1 unchanged\n"
    assert run("secrets", "list")[1] == "No stored secrets\n"
    code, _, messages = run("apply", "missing")
    assert (code, "missing: no file to apply" in messages) == (1, True)
    store = Store.open(settings.store.path, settings)
    assert [rule.name for rule in rule_store.list_all(store)] == ["Any"]
    store.close()
