"""What comes from files is marked alike, wherever it is listed."""

from pathlib import Path

import pytest

from tests.trail.notifications.conftest import hook
from tests.ui.test_logged_actions import page, press, runtime
from trail.attention import digest_schedules
from trail.attention.digest_schedules import DigestSchedule
from trail.config_files import folder
from trail.core.clock import utc_now
from trail.notifications import rule_store
from trail.notifications.rule import Rule
from trail.runtime.process import Runtime
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.views import saved_views
from trail.views.view import Viewer
from ui.explore import saved_views as view_menu

__all__ = ["runtime"]
# The button or switch that changes the thing of each tab here.
CHANGES = {"rules_tab": "", "digests_tab": "Pause", "destinations_tab": "Pause"}


@pytest.mark.parametrize("tab", CHANGES)
def test_things_from_files_are_marked_and_that_they_were_changed_since(
    tab: str, runtime: Runtime, store: Store, tmp_path: Path
) -> None:
    receiver = hook(store, "https://hooks.example.com/a").destination_id

    def fill(cursor: Cursor) -> None:
        # A whole number as score, as templates have it.
        rule = Rule("Any", "findings", score=90, destinations=("hook",))
        rule_store.save(cursor, rule, "maya")
        digest_schedules.save(cursor, DigestSchedule("Weekly", receiver), "maya", utc_now())

    store.write(fill)
    app = page(f"ui.alerts.{tab}")
    assert not [item.value for item in app.caption if "rom files" in item.value]
    folder.export(store, tmp_path / "config")
    made = folder.plan(store, runtime.settings, tmp_path / "config", prune=False)
    folder.apply(store, runtime.settings, made, "command line")
    app.run()
    assert [item.value for item in app.caption if "rom files" in item.value] == ["From files"]
    if CHANGES[tab]:
        app = press(app, CHANGES[tab])
    else:
        app.toggle[0].set_value(False).run()
    [mark] = [item.value for item in app.caption if "rom files" in item.value]
    assert mark.startswith("From files, changed here")
    assert mark.endswith(": the next apply overwrites the changes")
    edits = [item.value for item in app.caption if "Last edited by maya, " in item.value]
    assert len(edits) == (tab != "destinations_tab")
    assert ("by maya" in mark) == (tab == "rules_tab")


def test_shared_views_from_files_are_marked_in_their_menu(
    runtime: Runtime, store: Store, tmp_path: Path
) -> None:
    maya = Viewer("maya", "Maya Lind")
    view_id = saved_views.create(store, maya, "Deletions", Filter.parse("kind=delete"), shared=True)
    files = "views:\n- name: Deletions\n  query: kind=delete\n- name: Access\n"
    (tmp_path / "views.yaml").write_text(files)
    made = folder.plan(store, runtime.settings, tmp_path, prune=False)
    folder.apply(store, runtime.settings, made, "command line")

    def notes() -> dict[str, str]:
        origins = folder.origins(store, "views")
        views = [view for view in saved_views.visible(store, "jon") if not view.is_built_in]
        return {view.name: view_menu._row(view, "jon", origins)["note"] for view in views}

    assert notes() == {"Deletions": "By Maya Lind · From files", "Access": "From files"}
    saved_views.save(store, maya, view_id, Filter.parse("kind=create"))
    assert notes()["Deletions"].startswith("By Maya Lind · From files, changed here ")
    assert notes()["Access"] == "From files"


def test_rules_are_filtered_by_name_words_and_destination(runtime: Runtime, store: Store) -> None:
    def fill(cursor: Cursor) -> None:
        rule_store.save(cursor, Rule("Deletions", query="kind=delete"), "maya")
        rule_store.save(cursor, Rule("Findings", "findings", destinations=("Team *x*",)), "maya")

    store.write(fill)
    app = page("ui.alerts.rules_tab")
    for wanted, shown in {
        "": ["Deletions", "Findings"],
        "IS deleted": ["Deletions"],
        "team *X*": ["Findings"],
        "deletions team": [],
    }.items():
        app.text_input(key="rules-filter").input(wanted).run()
        assert not app.exception
        assert [item.value for item in app.text if item.value in ("Deletions", "Findings")] == shown
        [summary] = [item.value for item in app.caption if " rules on" in item.value]
        assert summary.endswith(f" · {len(shown)} of 2 shown") == bool(wanted)
