"""Views of users who no longer exist: shared ones stay, with the name of their former owner.

Everything private is deleted. Until then, a new user of the same name does not get it either, since
owners are stored as `User.account`.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.views.view import FILES, View


def marked(views: Iterable[View], accounts: Collection[str], provider_prefix: str) -> list[View]:
    """Return *views* with those of nobody in *accounts* marked, also before `release` does so."""
    accounts = {*accounts, FILES}
    return [
        replace(view, former=True)
        if view.owner and view.owner not in accounts and not view.owner.startswith(provider_prefix)
        else view
        for view in views
    ]


def release(store: Store, accounts: Collection[str], provider_prefix: str) -> int:
    """Release what belongs to nobody of *accounts*; return the number of private views deleted.

    Users of an identity provider, whose names begin with *provider_prefix*, are in no list.
    """
    params = {"accounts": [*accounts, FILES], "prefix": provider_prefix}
    gone = "not list_contains($accounts::varchar[], {0}) and not starts_with({0}, $prefix)".format
    of_nobody = f"select 1 from saved_views where not former and {gone('owner')} union all "
    of_nobody += f"select 1 from view_marks where {gone('username')} limit 1"
    if not store.table(of_nobody, params).num_rows:
        return 0

    def write(cursor: Cursor) -> int:
        cursor.execute(f"delete from view_marks where {gone('username')}", params)
        cursor.execute(
            f"update saved_views set former = true where shared and {gone('owner')}", params
        )
        deleted = cursor.execute(
            f"delete from saved_views where not shared and {gone('owner')} returning view_id",
            params,
        ).fetchall()
        return len(deleted)

    return store.submit(write, versioned=False).result()
