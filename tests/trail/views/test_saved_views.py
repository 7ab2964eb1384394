"""Saved views: who sees, changes and deletes them, their limits, marks and former owners."""

import pytest

from trail.accounts import oidc
from trail.core.account_key import account_key
from trail.core.errors import FilterError, InputError
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.views import former_owners, saved_views
from trail.views.saved_views import find, visible
from trail.views.view import View, Viewer

MAYA, JON = Viewer("maya", "Maya Lind"), Viewer("jon", "Jon Berg")
OWNER = Viewer("olga", "Olga Owner", manages=True)
FILTER = Filter.parse("from=7d&kind=delete&kind=-read&q=prod&sort=oldest&tz=Europe/Oslo")


def own(store: Store, username: str) -> list[str]:
    """Return the names of the views that are not built in, in order."""
    return [view.name for view in visible(store, username) if not view.is_built_in]


def view_of(store: Store, view_id: str, username: str = "maya") -> View:
    return find(visible(store, username), view_id)


def test_a_view_keeps_filter_columns_and_owner(store: Store) -> None:
    view_id = saved_views.create(
        store, MAYA, "  Warehouse \t changes ", FILTER, columns=("risk", "action")
    )
    view = view_of(store, view_id)
    assert (view.name, view.columns) == ("Warehouse changes", ("risk", "action"))
    assert Filter.parse(view.query) == Filter.parse(
        "from=7d&kind=delete&kind=-read&q=prod&sort=oldest"
    )
    assert (view.owner, view.owner_text, view.shared) == ("maya", "Maya Lind", False)
    assert own(store, "jon") == own(store, "olga") == []
    later = Filter.parse("outcome=failure")
    assert saved_views.save(store, MAYA, view_id, later).query == view.query
    assert view_of(store, view_id).query == "outcome=failure"
    assert view_of(store, view_id).columns == ()


def test_local_times_stay_the_moments_they_were(store: Store) -> None:
    local = Filter.parse("from=2026-11-02T09:30&to=2026-11-03T00:00Z&tz=America/New_York")
    view_id = saved_views.create(store, MAYA, "Local", local)
    assert Filter.parse(view_of(store, view_id).query).pairs()[:2] == [
        ("from", "2026-11-02T14:30:00Z"),
        ("to", "2026-11-03T00:00Z"),
    ]


def test_built_in_views_are_valid_and_read_only(store: Store) -> None:
    listed = visible(store, "maya")
    assert [view.name for view in listed] == [
        "Destructive changes",
        "Access changes",
        "Failures",
        "Tokens",
    ]
    for view in listed:
        filter_ = Filter.parse(view.query)
        assert filter_.choices and not (filter_.start or filter_.end) and view.purpose
        for change in (
            lambda view=view: saved_views.delete(store, OWNER, view.view_id),
            lambda view=view: saved_views.rename(store, OWNER, view.view_id, "Mine"),
            lambda view=view: saved_views.save(store, OWNER, view.view_id, FILTER),
            lambda view=view: saved_views.set_shared(store, OWNER, view.view_id, shared=False),
        ):
            with pytest.raises(InputError, match="read-only"):
                change()
    assert visible(store, "maya") == listed


def test_shared_views_are_changed_by_their_owner_or_a_manager_of_views(store: Store) -> None:
    view_id = saved_views.create(store, MAYA, "Ours", FILTER, shared=True)
    private = saved_views.create(store, MAYA, "Mine", FILTER)
    assert own(store, "jon") == ["Ours"]
    for change in (
        lambda: saved_views.delete(store, JON, view_id),
        lambda: saved_views.rename(store, JON, view_id, "Jon's"),
        lambda: saved_views.save(store, JON, view_id, Filter()),
        lambda: saved_views.set_shared(store, JON, view_id, shared=False),
    ):
        with pytest.raises(InputError, match="belongs to Maya Lind"):
            change()
    for viewer in (JON, OWNER):  # a private view of others does not exist for them
        with pytest.raises(InputError, match="not found"):
            saved_views.delete(store, viewer, private)
    saved_views.rename(store, OWNER, view_id, "Everybody's")
    assert own(store, "jon") == ["Everybody's"]
    saved_views.delete(store, OWNER, view_id)
    assert own(store, "maya") == ["Mine"]


def test_names_are_unique_for_those_who_see_them(store: Store) -> None:
    saved_views.create(store, MAYA, "Ours", FILTER, shared=True)
    mine = saved_views.create(store, JON, "Mine", FILTER)
    saved_views.create(store, MAYA, "Mine", FILTER)  # the other one is private
    for name in ("OURS", "ours ", "failures"):
        with pytest.raises(InputError, match="already exists"):
            saved_views.create(store, JON, name, FILTER)
        with pytest.raises(InputError, match="already exists"):
            saved_views.rename(store, JON, mine, name)
    saved_views.set_shared(store, JON, mine, shared=True)
    with pytest.raises(InputError, match="already exists"):
        saved_views.set_shared(store, MAYA, view_named(store, "Mine", "maya"), shared=True)


def view_named(store: Store, name: str, username: str) -> str:
    [view_id] = [
        view.view_id
        for view in visible(store, username)
        if view.name == name and view.owner == username
    ]
    return view_id


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\u202eb", "a\x00b", "\x1b[2J", "\ud800"])
def test_names_that_cannot_be_shown_are_refused(store: Store, name: str) -> None:
    with pytest.raises(InputError, match="name is missing or invalid"):
        saved_views.create(store, MAYA, name, FILTER)


@pytest.mark.parametrize(
    "name",
    ["x" * 80, "'); drop table saved_views; --", "<img src=x onerror=1>", "**a** :b:", "你好"],
)
def test_other_names_are_kept_as_they_are(store: Store, name: str) -> None:
    view_id = saved_views.create(store, MAYA, name, FILTER, shared=True)
    assert view_of(store, view_id, "jon").name == name


def test_what_a_user_stores_is_limited(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MAX_OF_USER", 2)
    for n in range(2):
        saved_views.create(store, MAYA, f"View {n}", FILTER)
    with pytest.raises(InputError, match="You have 2 views"):
        saved_views.create(store, MAYA, "One more", FILTER)
    saved_views.create(store, JON, "One more", FILTER)
    for columns in (("Risk",), ("a b",), tuple(f"c{n}" for n in range(41))):
        with pytest.raises(InputError, match="Invalid columns"):
            saved_views.create(store, JON, "Columns", FILTER, columns=columns)
    with pytest.raises(FilterError):
        saved_views.create(store, JON, "Bad", Filter(tz="Nowhere"))


def test_stars_and_the_default_belong_to_one_user(store: Store) -> None:
    view_id = saved_views.create(store, MAYA, "Zebra", FILTER, shared=True)
    saved_views.star(store, "jon", view_id, starred=True)
    saved_views.set_default(store, "jon", "failures", is_default=True)
    saved_views.set_default(store, "jon", view_id, is_default=True)
    assert visible(store, "jon")[0].name == "Zebra"
    assert [view.name for view in visible(store, "jon") if view.is_default] == ["Zebra"]
    assert not any(view.is_default or view.starred for view in visible(store, "maya"))
    saved_views.star(store, "jon", view_id, starred=False)
    assert view_of(store, view_id, "jon").is_default
    # Others lose the marks of a view that is private again; the next view has none of them.
    saved_views.set_shared(store, MAYA, view_id, shared=False)
    assert store.table("select * from view_marks where username = 'jon'").num_rows == 0
    saved_views.star(store, "maya", view_id, starred=True)
    saved_views.delete(store, MAYA, view_id)
    assert store.table("select * from view_marks").num_rows == 0
    with pytest.raises(InputError, match="not found"):
        saved_views.star(store, "maya", view_id, starred=True)


def test_shared_views_of_removed_users_keep_a_named_former_owner(store: Store) -> None:
    shared = saved_views.create(store, MAYA, "Ours", FILTER, shared=True)
    saved_views.create(store, MAYA, "Private", FILTER)
    saved_views.star(store, "maya", shared, starred=True)
    provider = Viewer(f"{oidc.PREFIX}ana@example.com", "Ana")
    saved_views.create(store, provider, "Ana's", FILTER)
    assert former_owners.release(store, ["maya", "jon"], oidc.PREFIX) == 0
    assert former_owners.release(store, ["jon"], oidc.PREFIX) == 1
    view = view_of(store, shared, "jon")
    assert view.owner_text == "Maya Lind (former user)"
    assert store.table("select * from view_marks").num_rows == 0
    assert own(store, provider.account) == ["Ana's", "Ours"]
    # A new user of that name is somebody else.
    assert own(store, "maya") == ["Ours"]
    with pytest.raises(InputError, match="former user"):
        saved_views.delete(store, MAYA, shared)
    saved_views.create(store, MAYA, "Private", FILTER)
    assert former_owners.release(store, ["maya", "jon"], oidc.PREFIX) == 0
    assert own(store, "maya") == ["Ours", "Private"]
    with pytest.raises(InputError, match="has left"):
        saved_views.set_shared(store, OWNER, shared, shared=False)
    saved_views.delete(store, OWNER, shared)


def test_a_new_user_of_the_name_gets_nothing_before_the_release(store: Store) -> None:
    first, second = (Viewer(account_key("jon", id_), "Jon Berg") for id_ in ("", "5f3a5f3a5f3a"))
    saved_views.create(store, first, "Private", FILTER)
    shared = saved_views.create(store, first, "Ours", FILTER, shared=True)
    saved_views.set_default(store, first.account, "failures", is_default=True)
    assert own(store, second.account) == ["Ours"]
    assert not any(view.is_default for view in visible(store, second.account))
    with pytest.raises(InputError, match="belongs to Jon Berg"):
        saved_views.delete(store, second, shared)
    saved_views.create(store, second, "Private", FILTER)
    listed = former_owners.marked(visible(store, "maya"), {second.account}, oidc.PREFIX)
    assert find(listed, shared).to_dict()["owner"] == "jon"
    assert find(listed, shared).former
    assert former_owners.release(store, [second.account], oidc.PREFIX) == 1
    assert own(store, second.account) == ["Ours", "Private"]
    assert own(store, first.account) == ["Ours"]
