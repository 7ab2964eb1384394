"""Configuration files: a round trip, idempotence, pruning, and errors with file and line."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.trail.notifications.conftest import forward
from trail.attention import digest_schedules
from trail.attention.digest_schedules import DigestSchedule
from trail.config_files import folder
from trail.config_files.kinds import KINDS as FILES
from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.notifications import destinations, rule_store
from trail.notifications.destination import Destination
from trail.notifications.rule import GROUPS, KINDS, SEVERITIES, Rule
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.views import former_owners, saved_views
from trail.views.built_in import BUILT_IN
from trail.views.view import Viewer

MAYA = Viewer("maya", "Maya Lind")
HOOK = Destination(0, "webhook", "Hook", {"url": "https://hooks.example.com/"}, {"key": "key"})
_MINUTES = st.integers(1, 40_000)
RULES = st.builds(
    Rule,
    name=st.text(min_size=1, max_size=60).filter(lambda name: name.strip() and name.isprintable()),
    kind=st.sampled_from(KINDS),
    query=st.sampled_from(["", "kind=delete", "q=Prod+OR+x&actor=-users/a", "changes=yes"]),
    threshold=st.integers(1, 1_000),
    window_minutes=_MINUTES,
    group_by=st.sampled_from(GROUPS),
    outside=st.sampled_from(["", "08:00-18:00"]),
    score=st.floats(0, 1_000),
    open_minutes=_MINUTES,
    silent_minutes=_MINUTES,
    severity=st.sampled_from(SEVERITIES),
    destinations=st.sampled_from([(), ("Hook",), ("hook",)]),
    roll_up_minutes=st.integers(1, 1_440),
    quiet=st.sampled_from(["", "22:00-07:00"]),
    zone=st.sampled_from(["UTC", "Europe/Oslo"]),
    daily_cap=st.integers(1, 10_000),
    why=st.text(max_size=40),
    active=st.booleans(),
)


@pytest.fixture
def using(settings: Settings) -> Settings:
    return settings.model_copy(update={"forward": forward()})


def fill(store: Store, rules: list[Rule]) -> None:
    def write(cursor: Cursor) -> None:
        number = destinations.add(cursor, HOOK, forward(), "maya")
        digest_schedules.save(cursor, DigestSchedule("Weekly", number, hour=7), "maya", utc_now())
        for rule in rules:
            rule_store.save(cursor, rule, "maya")

    store.write(write)
    filter_ = Filter.parse("kind=delete")
    saved_views.create(store, MAYA, "Deletions", filter_, columns=["action"], shared=True)
    saved_views.create(store, MAYA, "Private", filter_)


@contextlib.contextmanager
def fresh(empty_database: Path) -> Iterator[tuple[Store, Path]]:
    """Return an empty store and a folder."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "trail.duckdb"
        shutil.copy(empty_database, path)
        store = Store.open(path, Settings())
        try:
            yield store, Path(name) / "config"
        finally:
            store.close()


def applied(store: Store, using: Settings, path: Path, *, prune: bool = False) -> list[Any]:
    made = folder.plan(store, using, path, prune=prune)
    folder.apply(store, using, made, "files")
    return [(one.action, one.kind, one.name) for one in made.differences]


def content(path: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in path.iterdir()}


@hypothesis_settings(max_examples=5)
@given(rules=st.lists(RULES, max_size=6, unique_by=lambda rule: rule.name.lower()))
def test_a_round_trip_to_a_fresh_server_gives_equal_rules(
    rules: list[Rule], empty_database: Path
) -> None:
    using = Settings().model_copy(update={"forward": forward()})
    folded = [rule.name.casefold() for rule in rules]
    rules = [rule for rule in rules if folded.count(rule.name.casefold()) == 1]
    with fresh(empty_database) as (first, path), fresh(empty_database) as (second, again):
        fill(first, rules)
        folder.export(first, path)
        assert len(applied(second, using, path)) == 3 + len(rules)
        assert rule_store.list_all(second) == rule_store.list_all(first)
        folder.export(second, again)
        assert content(again) == content(path)
        assert applied(second, using, path) == []
        assert applied(first, using, path, prune=True) == []


def test_differences_are_named_and_pruned(store: Store, using: Settings, tmp_path: Path) -> None:
    fill(store, [Rule("Kept", daily_cap=7), Rule("Gone", destinations=("Hook",))])
    folder.export(store, tmp_path)
    (tmp_path / "rules.yaml").write_text("rules:\n- name: kept\n  daily_cap: 9\n- name: New\n")
    made = folder.plan(store, using, tmp_path, prune=True)
    assert [(one.action, one.name, one.lines) for one in made.differences] == [
        ("change", "kept", ('name: "Kept" → "kept"', "daily_cap: 7 → 9")),
        ("add", "New", ()),
        ("delete", "Gone", ()),
    ]
    assert made.same == 3
    assert [rule.name for rule in rule_store.list_all(store)] == ["Gone", "Kept"], "only a plan"
    folder.apply(store, using, made, "files")
    assert [(rule.name, rule.daily_cap) for rule in rule_store.list_all(store)] == [
        ("kept", 9),
        ("New", 50),
    ]
    assert folder.origins(store, "rules") == {"kept": True, "new": True}
    (kept, _) = rule_store.list_all(store)
    store.write(lambda cursor: rule_store.save(cursor, replace(kept, daily_cap=1), "maya"))
    assert folder.origins(store, "rules") == {"kept": False, "new": True}
    # Without its file, nothing of a kind is deleted.
    for name in ("rules", "digests", "views"):
        (tmp_path / f"{name}.yaml").unlink()
    (tmp_path / "destinations.yaml").write_text("destinations: []\n")
    assert applied(store, using, tmp_path, prune=True) == [("delete", "destinations", "Hook")]
    assert len(rule_store.list_all(store)) == 2


def test_only_kinds_with_a_file_are_pruned(empty_database: Path) -> None:
    using = Settings().model_copy(update={"forward": forward()})
    with fresh(empty_database) as (store, path):
        fill(store, [Rule("Any"), Rule("Other")])
        folder.export(store, path)
        everything = {name: yaml.safe_load(text) for name, text in content(path).items()}

        # Of a file, how many of its entries it still has; no file of the other kinds.
        @given(st.dictionaries(st.sampled_from(list(FILES)), st.integers(0, 2), min_size=1))
        @hypothesis_settings(max_examples=60, deadline=None)
        def check(numbers: dict[str, int]) -> None:
            if numbers.get("digests"):  # the digest needs its destination
                numbers = {**numbers, "destinations": 1}
            deleted = set()
            for kind in FILES:
                entries = everything[f"{kind}.yaml"][kind]
                left = entries[: numbers.get(kind, len(entries))]
                deleted |= {(kind, entry["name"]) for entry in entries if entry not in left}
                file = path / f"{kind}.yaml"
                file.unlink(missing_ok=True)
                if kind in numbers:
                    file.write_text(yaml.safe_dump({kind: left}))
            made = folder.plan(store, using, path, prune=True)
            assert {(one.kind, one.name) for one in made.differences} == deleted
            assert {one.action for one in made.differences} <= {"delete"}
            assert folder.plan(store, using, path, prune=False).differences == ()

        check()


def test_all_is_applied_or_nothing(store: Store, using: Settings, tmp_path: Path) -> None:
    fill(store, [Rule("Kept"), Rule("Gone")])
    folder.export(store, tmp_path / "before")
    name = BUILT_IN[0].name
    (tmp_path / "rules.yaml").write_text("rules:\n- name: Kept\n  daily_cap: 9\n- name: New\n")
    views = f"views:\n- name: {name}\n"
    (tmp_path / "views.yaml").write_text(views)
    made = folder.plan(store, using, tmp_path, prune=True)
    for dry_run in (True, False):
        with pytest.raises(InputError, match=f"^views, '{name}': A view named .* already exists"):
            folder.apply(store, using, made, "files", dry_run=dry_run)
    (tmp_path / "views.yaml").unlink()
    made = folder.plan(store, using, tmp_path, prune=True)
    assert [one.action for one in made.differences] == ["change", "add", "delete"]
    folder.apply(store, using, made, "files", dry_run=True)
    folder.export(store, tmp_path / "after")
    assert content(tmp_path / "after") == content(tmp_path / "before")
    assert folder.origins(store, "rules") == {}
    folder.apply(store, using, made, "files")
    assert [rule.name for rule in rule_store.list_all(store)] == ["Kept", "New"]


def test_views_of_files_have_no_former_owner(store: Store, using: Settings, tmp_path: Path) -> None:
    (tmp_path / "views.yaml").write_text("views:\n- name: Deletions\n  query: kind=delete\n")
    applied(store, using, tmp_path)
    former_owners.release(store, ["maya"], "oidc:")
    (view,) = (one for one in saved_views.visible(store, "maya") if not one.is_built_in)
    assert (view.name, view.owner_text, view.former) == (
        *("Deletions", "Configuration files", False),
    )


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("rules", "rules:\n- name: a\n- name: b\n  colour: red\n", "line 4: Rule 'b': unknown"),
        ("rules", "rules:\n- name: a\n  daily_cap: 0\n", "line 3: Rule 'a': daily_cap is 0."),
        ("rules", "rules:\n- name: a\n  daily_cap: many\n", "line 3: .* must be a whole number"),
        ("rules", "rules:\n- name: a\n- name: A\n", "line 3: Another rule has the name 'A'"),
        ("rules", "rules:\n- name: a\n  name: b\n", "line 3: Duplicate key 'name'"),
        (
            "rules",
            "rules:\n- name: a\n  destinations: [x]\n",
            "line 3: .* destinations contains 'x'",
        ),
        ("rules", "rules:\n- a\n", "line 2: An entry must be"),
        ("rules", "rules: [\n", "line 2: Not valid YAML"),
        ("rules", "- name: a\n", "line 1: The list is missing"),
        ("rules", "rule: []\n", "line 1: Unknown key 'rule'"),
        ("rules", "rules: 7\n", "line 1: rules must be a list"),
        ("rules", "rules:\n", "line 1: rules must be a list"),
        ("rules", "", "line 1: The list is missing"),
        ("views", "# views:\n", "line 1: The list is missing"),
        ("rules", "rules:\n- name: !!python/name:os.system x\n", "line 2: A value cannot be read"),
        ("views", "views:\n- name: a\n  query: old=1\n", "line 2: Unknown filter 'old'"),
        ("digests", "digests:\n- name: a\n  destination: x\n", "line 3: .* destination 'x'"),
        (
            "destinations",
            "destinations:\n- name: a\n  kind: webhook\n  settings: {url: 'http://x'}\n",
            "line 2: ",
        ),
    ],
)
def test_errors_name_file_and_line(
    store: Store, using: Settings, tmp_path: Path, name: str, text: str, problem: str
) -> None:
    (tmp_path / f"{name}.yaml").write_text(text)
    with pytest.raises(InputError, match=f"^{name}.yaml, {problem}"):
        folder.plan(store, using, tmp_path, prune=False)


def test_a_destination_keeps_its_kind(store: Store, using: Settings, tmp_path: Path) -> None:
    fill(store, [])
    text = "destinations:\n- name: hook\n  kind: slack\n  secrets: {url: key}\n"
    (tmp_path / "destinations.yaml").write_text(text)
    with pytest.raises(InputError, match=r"line 3: .* kind is 'webhook' and cannot be changed"):
        folder.plan(store, using, tmp_path, prune=False)


def test_a_folder_without_files_is_an_error(store: Store, using: Settings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file to apply"):
        folder.plan(store, using, tmp_path, prune=True)
