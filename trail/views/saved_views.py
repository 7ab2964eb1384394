"""Saved views: named filters of Explore, private or shared, starred, and one default per user.

Everybody who may explore may share a view, since readers see no more than their role allows. A
shared view is changed and deleted by its owner, or by whoever may change those of others.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Filter
from trail.storage.inside import Inside
from trail.views import built_in
from trail.views.random_id import random_id
from trail.views.view import View, Viewer, checked_columns, checked_name, query_of

MAX_OF_USER = 100  # views

T = TypeVar("T")
_READ_ONLY = InputError("Built-in views are read-only.", "Save it as a new view.")


def visible(engine: Engine, account: str) -> list[View]:
    """Return the views of *account*: starred ones first, then built-in ones, then by name."""
    marks = {
        row.pop("view_id"): row
        for row in engine.table(
            "select view_id, starred, is_default from view_marks where username = $account",
            {"account": account},
        ).to_pylist()
    }
    rows = engine.table(
        "select view_id, name, query, columns, owner, owner_name, shared, former, changed_at "
        "from saved_views where shared or (owner = $account and not former)",
        {"account": account},
    ).to_pylist()
    views = [
        View(item.view_id, item.name, item.query, purpose=item.purpose)
        for item in built_in.BUILT_IN
    ]
    views += [View(**{**row, "columns": tuple(json.loads(row["columns"]))}) for row in rows]
    views = [replace(view, **marks.get(view.view_id, {})) for view in views]

    def order(view: View) -> tuple[bool, bool, str, str]:
        name = "" if view.is_built_in else view.name
        return not view.starred, not view.is_built_in, name.casefold(), name

    return sorted(views, key=order)


def find(views: Sequence[View], view_id: str) -> View:
    """Return the view of that ID; raises `InputError` if the user has none."""
    for view in views:
        if view.view_id == view_id:
            return view
    raise InputError("View not found.", "It may have been deleted, or is private.")


def create(
    store: Store,
    viewer: Viewer,
    name: str,
    filter_: Filter,
    *,
    columns: Sequence[str] = (),
    shared: bool = False,
) -> str:
    """Store a new view and return its ID.

    Raises `InputError` for a name that is invalid or in use, and beyond the limits.
    """
    return _write(
        store, lambda cursor: add(cursor, viewer, name, filter_, columns=columns, shared=shared)
    )


def add(
    cursor: Cursor,
    viewer: Viewer,
    name: str,
    filter_: Filter,
    *,
    columns: Sequence[str] = (),
    shared: bool = False,
) -> str:
    """Like `create`, inside a transaction."""
    name, query, listed = checked_name(name), _query(filter_), checked_columns(columns)
    own = cursor.execute(
        "select count(*) from saved_views where owner = $owner and not former",
        {"owner": viewer.account},
    ).fetchall()
    if own[0][0] >= MAX_OF_USER:
        raise InputError(f"You have {MAX_OF_USER} views.", "Delete one that is not used.")
    _check_unused(cursor, name, viewer.account, "")
    view_id = random_id()
    cursor.execute(
        "insert into saved_views values "
        "($id, $name, $query, $columns, $owner, $owner_name, $shared, false, $now, $now)",
        {
            "id": view_id,
            "name": name,
            "query": query,
            "columns": listed,
            "owner": viewer.account,
            "owner_name": viewer.name,
            "shared": shared,
            "now": utc_now(),
        },
    )
    return view_id


def save(
    store: Store, viewer: Viewer, view_id: str, filter_: Filter, columns: Sequence[str] = ()
) -> View:
    """Replace filter and columns of a view; return it as it was. Raises `InputError`."""
    return _write(store, lambda cursor: replace_content(cursor, viewer, view_id, filter_, columns))


def replace_content(
    cursor: Cursor, viewer: Viewer, view_id: str, filter_: Filter, columns: Sequence[str] = ()
) -> View:
    """Like `save`, inside a transaction."""
    query, listed = _query(filter_), checked_columns(columns)
    change = "query = $query, columns = $columns"
    return _change(cursor, viewer, view_id, change, query=query, columns=listed)


def rename(store: Store, viewer: Viewer, view_id: str, name: str) -> View:
    """Rename a view; return it as it was. Raises `InputError`."""
    name = checked_name(name)
    return _write(store, lambda cursor: _change(cursor, viewer, view_id, "name = $name", name=name))


def set_shared(store: Store, viewer: Viewer, view_id: str, *, shared: bool) -> View:
    """Share a view with everybody, or make it private; return it as it was.

    A shared view of a former user stays shared: nobody could see it otherwise. Raises `InputError`.
    """
    return _write(
        store, lambda cursor: _change(cursor, viewer, view_id, "shared = $shared", shared=shared)
    )


def delete(store: Store, viewer: Viewer, view_id: str) -> View:
    """Delete a view and all its marks; return it. Raises `InputError`."""
    return _write(store, lambda cursor: remove(cursor, viewer, view_id))


def remove(cursor: Cursor, viewer: Viewer, view_id: str) -> View:
    """Like `delete`, inside a transaction."""
    view = _changeable(cursor, viewer, view_id)
    for table in ("saved_views", "view_marks"):
        cursor.execute(f"delete from {table} where view_id = $id", {"id": view_id})
    return view


def star(store: Store, account: str, view_id: str, *, starred: bool) -> View:
    """Mark a view that *account* sees as a favorite, or not; return it. Raises `InputError`."""
    return _mark(store, account, view_id, starred=starred)


def set_default(store: Store, account: str, view_id: str, *, is_default: bool) -> View:
    """Make a view the one that Explore opens with, or none; return it. Raises `InputError`."""
    return _mark(store, account, view_id, is_default=is_default)


def _mark(store: Store, account: str, view_id: str, **marks: bool) -> View:
    def write(cursor: Cursor) -> View:
        view = find(visible(Inside(cursor), account), view_id)
        values = {"starred": view.starred, "is_default": view.is_default} | marks
        here = {"username": account, "id": view_id}
        if marks.get("is_default"):
            cursor.execute(
                "update view_marks set is_default = false where username = $username",
                {"username": account},
            )
        cursor.execute("delete from view_marks where username = $username and view_id = $id", here)
        cursor.execute(
            "delete from view_marks where username = $username and not starred and not is_default",
            {"username": account},
        )
        if any(values.values()):
            cursor.execute(
                "insert into view_marks values ($username, $id, $starred, $is_default)",
                here | values,
            )
        return view

    return _write(store, write)


def _change(cursor: Cursor, viewer: Viewer, view_id: str, change: str, **values: Any) -> View:
    view = _changeable(cursor, viewer, view_id)
    if view.former and values.get("shared") is False:
        raise InputError("The owner of this view has left.", "Save it as a view of your own.")
    if values.get("shared") or "name" in values:
        # A shared name is seen by everybody, a private one by its owner.
        _check_unused(cursor, values.get("name", view.name), view.owner, view_id)
    cursor.execute(
        f"update saved_views set {change}, changed_at = $now where view_id = $id",
        {**values, "id": view_id, "now": utc_now()},
    )
    if values.get("shared") is False:
        cursor.execute(
            "delete from view_marks where view_id = $id and username <> $owner",
            {"id": view_id, "owner": view.owner},
        )
    return view


def _changeable(cursor: Cursor, viewer: Viewer, view_id: str) -> View:
    view = find(visible(Inside(cursor), viewer.account), view_id)
    if view.is_built_in:
        raise _READ_ONLY
    if not view.may_change(viewer):
        raise InputError(
            f"This view belongs to {view.owner_text}.", "Save it as a view of your own."
        )
    return view


def _check_unused(cursor: Cursor, name: str, owner: str, view_id: str) -> None:
    """Raise `InputError` if a view that *owner* sees has this name, whatever its letter case."""
    taken = any(name.casefold() == item.name.casefold() for item in built_in.BUILT_IN)
    names = cursor.execute(
        "select name from saved_views where (shared or (owner = $owner and not former)) "
        "and view_id <> $id",
        {"owner": owner, "id": view_id},
    ).fetchall()
    if taken or any(name.casefold() == other.casefold() for (other,) in names):
        raise InputError(f"A view named {name!r} already exists.", "Choose another name.")


def _query(filter_: Filter) -> str:
    filter_.check()
    return query_of(filter_)


def _write(store: Store, job: Callable[[Cursor], T]) -> T:
    # Not versioned: which events are shown does not depend on it.
    return store.submit(job, versioned=False).result()
